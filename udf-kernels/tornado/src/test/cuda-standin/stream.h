// Work of the device: operations in streams, events and graphs. With STANDIN_STREAMS=late it is done when somebody waits for it,
// else when it is put into a stream.
#pragma once
#include <cuda.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "launch.h"
#include "module.h"

namespace standin {

struct Stream;

struct Event {
  bool recorded = false, captured = false, timed = true;
  unsigned long waitsFor = 0;  // operations of its stream that lie before it
  Stream *stream = nullptr;
  std::chrono::steady_clock::time_point when;
};

enum class Kind { LAUNCH, TO_DEVICE, TO_HOST, ON_DEVICE, FILL, RECORD, WAIT, GRAPH };

struct Graph;

struct Operation {
  Kind kind;
  Launch launch;
  uintptr_t to = 0, from = 0;
  size_t bytes = 0;
  int value = 0;
  std::vector<char> snapshot;  // of host memory that is not pinned
  std::shared_ptr<Event> event;
  unsigned long until = 0;
  std::shared_ptr<Graph> graph;
};

struct Graph {
  std::vector<Operation> operations;
};

struct Stream {
  std::deque<Operation> waiting;
  unsigned long put = 0, done = 0;
  bool capturing = false, invalid = false;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::shared_ptr<Graph> graph;
};

struct Copies {
  unsigned long count = 0, bytes = 0;
};

extern std::recursive_mutex mutex;  // one call at a time
extern std::set<Stream *> streams;
extern Stream common;  // stream 0
extern std::map<CUevent, std::shared_ptr<Event>> events;
extern std::vector<std::unique_ptr<Module>> modules;
extern CUresult sticky;  // after a kernel's fault every call fails
extern Copies toDevice, toHost, onDevice;
extern unsigned long graphLaunches, graphsMade, waits, eventsMade;

bool late();
bool tracing();
void say(const std::string &what);
// Null if there is no such stream.
Stream *streamOf(CUstream s);
// Does the work that was put into a stream before the given number of operations.
void flush(Stream *s, unsigned long until);
void flushAll();
// Puts an operation into a stream, or into the graph that is made of it.
CUresult put(Stream *s, Operation o);
// Calls that CUDA forbids while a stream is captured (mode global); they spoil the capture.
bool forbidden();

}  // namespace standin

#define BEGIN                                                   \
  std::lock_guard<std::recursive_mutex> lock(mutex);            \
  if (sticky != CUDA_SUCCESS) return sticky;
#define NOT_WHILE_CAPTURING \
  if (forbidden()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
#define STREAM(name, of)                                        \
  Stream *name = streamOf(of);                                  \
  if (!name) return CUDA_ERROR_INVALID_HANDLE;
