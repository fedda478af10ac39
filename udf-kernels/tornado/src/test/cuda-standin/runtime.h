// What a translated kernel (device/standin.h) and the stand-in's driver share. Both are compiled from the same folder, so the
// layout needs no version.
#pragma once
#include <cstddef>
#include <cstdint>

namespace standin {

struct Dim {
  unsigned x, y, z;
};

struct Thread;
struct Warp;

// What the race check knows of one byte of shared memory, or of four bytes of global memory.
struct Cell {
  uint32_t launch = 0;                  // cells of an earlier launch count as untouched
  uint32_t writeEpoch = 0, readEpoch = 0;  // barriers of the block passed, plus 1; 0: never
  uint32_t writeWarpEpoch = 0, readWarpEpoch = 0;
  uint32_t writeBlock = 0, readBlock = 0;
  uint16_t writer = 0, reader = 0;
  uint16_t manyReaders = 0;             // 0: one, 1: of one warp, 2: of several warps, 3: of several blocks
};

// Calls that go from a kernel to the driver.
struct Services {
  void (*barrier)(Thread *, int line);
  // Waits for the lanes of mask; the last one to come runs act over what all of them brought.
  void (*together)(Thread *, unsigned mask, const char *what, int line, void (*act)(Thread *, void **lanes, unsigned mask), void *mine);
  void (*copyLater)(Thread *, void *to, const void *from, unsigned bytes);
  void (*commitCopies)(Thread *);
  void (*waitCopies)(Thread *, int groups);
  void (*fail)(Thread *, const char *what);
  void (*race)(Thread *, const char *what, const char *array, size_t index, unsigned otherBlock, unsigned otherThread);
  Cell *(*globalCell)(Thread *, const void *address);
};

struct Block {
  char *shared;           // its shared memory
  unsigned sharedBytes;
  unsigned epoch;         // barriers passed, plus 1
  unsigned number;        // of the block in the grid
  unsigned launch;        // number of the launch, for Cell
  Cell *cells;            // one for each byte of shared memory, when races are looked for
  int mma;                // how sums of tensor cores are rounded
};

struct Warp {
  unsigned live;          // lanes that have not ended
  unsigned waiting;       // lanes that wait in together()
  unsigned mask;
  unsigned epoch;         // __syncwarp()s passed
  const char *what;
  int line;
  void *lanes[32];
};

struct Thread {
  Dim threadIdx, blockIdx, blockDim, gridDim;
  unsigned number, lane;
  Block *block;
  Warp *warp;
  const Services *services;
};

struct Entry {
  void (*call)(void **parameters);
  unsigned count;
  const unsigned *sizes;  // of the parameters, in bytes
};

}  // namespace standin
