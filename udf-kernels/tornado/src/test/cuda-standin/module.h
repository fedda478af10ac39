// Kernels: found in an image that the stand-in's NVRTC made, compiled for the processor.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "runtime.h"

namespace standin {

struct Kernel {
  std::string name;
  const Entry *entry = nullptr;
  unsigned sharedBytes = 0;   // a block's, by the compiler for the device
  unsigned registers = 0;     // a thread's
  unsigned stackBytes = 0;    // a thread's local memory: arrays and spilled registers
  // What was done with it.
  unsigned long launches = 0, blocks = 0, threads = 0, races = 0, mixedBarriers = 0;
  double seconds = 0;
};

struct Module {
  std::map<std::string, std::unique_ptr<Kernel>> kernels;
};

// Throws std::runtime_error: no image of the stand-in's NVRTC, or g++ failed.
std::unique_ptr<Module> load(const void *image);

}  // namespace standin
