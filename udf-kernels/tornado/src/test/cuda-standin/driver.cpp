// A libcuda whose device is the processor: contexts, memory, streams, events, graphs, modules and launches.
//
// Work of a stream is done when it is put into it, or, with STANDIN_STREAMS=late, when somebody waits for it.
#include <cuda.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "launch.h"
#include "memory.h"
#include "module.h"
#include "settings.h"

namespace {

using standin::Launch;

// The limits of compute capability 9.0.
constexpr unsigned SHARED_DEFAULT = 48 << 10, SHARED_MOST = 227 << 10, REGISTERS = 64 << 10, THREADS = 1024;

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

std::recursive_mutex mutex;  // one call at a time
std::set<Stream *> streams;
Stream common;  // stream 0
std::map<CUevent, std::shared_ptr<Event>> events;
std::vector<std::unique_ptr<standin::Module>> modules;
CUresult sticky = CUDA_SUCCESS;  // after a kernel's fault every call fails
Copies toDevice, toHost, onDevice;
unsigned long graphLaunches = 0, graphsMade = 0, waits = 0, eventsMade = 0;

bool late() {
  static const bool is = standin::setting("STANDIN_STREAMS") == "late";
  return is;
}

bool tracing() {
  static const bool is = standin::number("STANDIN_TRACE", 0) != 0;
  return is;
}

void say(const std::string &what) { std::fprintf(stderr, "stand-in: %s\n", what.c_str()); }

void writeStats() {
  std::string path = standin::setting("STANDIN_STATS");
  if (path.empty()) return;
  std::lock_guard<std::recursive_mutex> lock(mutex);
  FILE *f = std::fopen(path.c_str(), "w");
  if (!f) return;
  // Kernels of one name are several where sizes differ; their launches are added.
  std::map<std::string, standin::Kernel> sums;
  std::map<std::string, int> variants;
  for (const auto &m : modules) {
    for (const auto &entry : m->kernels) {
      const standin::Kernel &k = *entry.second;
      standin::Kernel &s = sums[k.name];
      variants[k.name]++;
      s.launches += k.launches;
      s.blocks += k.blocks;
      s.threads += k.threads;
      s.races += k.races;
      s.mixedBarriers += k.mixedBarriers;
      s.seconds += k.seconds;
      s.registers = std::max(s.registers, k.registers);
      s.sharedBytes = std::max(s.sharedBytes, k.sharedBytes);
      s.stackBytes = std::max(s.stackBytes, k.stackBytes);
    }
  }
  for (const auto &s : sums) {
    const standin::Kernel &k = s.second;
    std::fprintf(f,
                 "{\"kernel\": \"%s\", \"modules\": %d, \"launches\": %lu, \"blocks\": %lu, \"threads\": %lu, \"seconds\": %.3f, \"registers\": %u, "
                 "\"sharedBytes\": %u, \"localBytes\": %u, \"races\": %lu, \"mixedBarriers\": %lu}\n",
                 s.first.c_str(), variants[s.first], k.launches, k.blocks, k.threads, k.seconds, k.registers, k.sharedBytes, k.stackBytes, k.races, k.mixedBarriers);
  }
  std::fprintf(f,
               "{\"copiesToDevice\": %lu, \"bytesToDevice\": %lu, \"copiesToHost\": %lu, \"bytesToHost\": %lu, \"copiesOnDevice\": %lu, \"bytesOnDevice\": %lu, "
               "\"graphsMade\": %lu, \"graphLaunches\": %lu, \"synchronizations\": %lu, \"events\": %lu}\n",
               toDevice.count, toDevice.bytes, toHost.count, toHost.bytes, onDevice.count, onDevice.bytes, graphsMade, graphLaunches, waits, eventsMade);
  std::fclose(f);
}

Stream *streamOf(CUstream s) {
  if (s == nullptr || s == CU_STREAM_LEGACY || s == CU_STREAM_PER_THREAD) return &common;
  return streams.count((Stream *) s) ? (Stream *) s : nullptr;
}

void flush(Stream *s, unsigned long until);

// STANDIN_FAIL=NAME:N: the Nth launch of kernels of that name is a fault.
bool failsAsAsked(const standin::Kernel &k) {
  static const std::string asked = standin::setting("STANDIN_FAIL");
  static const size_t colon = asked.find(':');
  static long left = colon == std::string::npos ? 0 : std::atol(asked.c_str() + colon + 1);
  return left > 0 && k.name == asked.substr(0, colon) && --left == 0;
}

void perform(Stream *s, const Operation &o) {
  if (sticky != CUDA_SUCCESS) return;
  auto count = [&o](Copies &c) {
    c.count++;
    c.bytes += o.bytes;
  };
  switch (o.kind) {
    case Kind::LAUNCH: {
      if (tracing()) {
        const auto &l = o.launch;
        say("launch " + l.kernel->name + " grid " + std::to_string(l.grid.x) + "x" + std::to_string(l.grid.y) + "x" + std::to_string(l.grid.z) + " block " +
            std::to_string(l.block.x) + "x" + std::to_string(l.block.y) + "x" + std::to_string(l.block.z));
      }
      std::string wrong = failsAsAsked(*o.launch.kernel) ? o.launch.kernel->name + ": fails as STANDIN_FAIL asks" : standin::run(o.launch);
      if (!wrong.empty()) {
        say("kernel " + wrong);
        sticky = wrong.find("illegal address") != std::string::npos  ? CUDA_ERROR_ILLEGAL_ADDRESS
                 : wrong.find("misaligned") != std::string::npos ? CUDA_ERROR_MISALIGNED_ADDRESS
                                                                 : CUDA_ERROR_LAUNCH_FAILED;
      }
      break;
    }
    case Kind::TO_DEVICE:
      memcpy((void *) o.to, o.snapshot.empty() ? (const void *) o.from : o.snapshot.data(), o.bytes);
      count(toDevice);
      break;
    case Kind::TO_HOST:
      memcpy((void *) o.to, (const void *) o.from, o.bytes);
      count(toHost);
      break;
    case Kind::ON_DEVICE:
      memmove((void *) o.to, (const void *) o.from, o.bytes);
      count(onDevice);
      break;
    case Kind::FILL:
      memset((void *) o.to, o.value, o.bytes);
      break;
    case Kind::RECORD:
      o.event->when = std::chrono::steady_clock::now();
      break;
    case Kind::WAIT:
      if (o.event->stream != s && o.event->stream && (o.event->stream == &common || streams.count(o.event->stream))) flush(o.event->stream, o.until);
      break;
    case Kind::GRAPH:
      for (const Operation &each : o.graph->operations) perform(s, each);
      break;
  }
}

void flush(Stream *s, unsigned long until) {
  while (!s->waiting.empty() && s->done < until) {
    Operation o = std::move(s->waiting.front());
    s->waiting.pop_front();
    s->done++;
    perform(s, o);
  }
}

void flushAll() {
  flush(&common, common.put);
  for (Stream *s : streams) flush(s, s->put);
}

// Puts an operation into a stream, or into the graph that is made of it.
CUresult put(Stream *s, Operation o) {
  if (s->capturing) {
    if (s->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    s->graph->operations.push_back(std::move(o));
    return CUDA_SUCCESS;
  }
  if (sticky != CUDA_SUCCESS) return sticky;
  if (late()) {
    // What the host may change or read as soon as the call returns does not wait.
    bool host = o.kind == Kind::TO_DEVICE || o.kind == Kind::TO_HOST;
    bool waits = !host || standin::pinned(o.kind == Kind::TO_DEVICE ? o.from : o.to, o.bytes);
    if (!waits && o.kind == Kind::TO_DEVICE) {
      o.snapshot.assign((const char *) o.from, (const char *) o.from + o.bytes);
      waits = true;
    }
    s->waiting.push_back(std::move(o));
    s->put++;
    if (!waits) flush(s, s->put);
    return CUDA_SUCCESS;
  }
  s->put++;
  s->done++;
  perform(s, o);
  return CUDA_SUCCESS;
}

// Calls that CUDA forbids while a stream is captured (mode global); they spoil the capture.
bool forbidden() {
  bool any = false;
  for (Stream *s : streams) {
    if (s->capturing && s->mode == CU_STREAM_CAPTURE_MODE_GLOBAL) {
      s->invalid = true;
      any = true;
    }
  }
  return any;
}

#define BEGIN                                                   \
  std::lock_guard<std::recursive_mutex> lock(mutex);            \
  if (sticky != CUDA_SUCCESS) return sticky;
#define NOT_WHILE_CAPTURING \
  if (forbidden()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
#define STREAM(name, of)                                        \
  Stream *name = streamOf(of);                                  \
  if (!name) return CUDA_ERROR_INVALID_HANDLE;

const std::map<CUresult, std::pair<const char *, const char *>> &errors() {
  static const std::map<CUresult, std::pair<const char *, const char *>> all = {
#define ERROR(name, text) {name, {#name, text}}
      ERROR(CUDA_SUCCESS, "no error"),
      ERROR(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
      ERROR(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
      ERROR(CUDA_ERROR_NOT_INITIALIZED, "initialization error"),
      ERROR(CUDA_ERROR_NO_DEVICE, "no CUDA-capable device is detected"),
      ERROR(CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal"),
      ERROR(CUDA_ERROR_INVALID_IMAGE, "device kernel image is invalid"),
      ERROR(CUDA_ERROR_INVALID_CONTEXT, "invalid device context"),
      ERROR(CUDA_ERROR_NO_BINARY_FOR_GPU, "no kernel image is available for execution on the device"),
      ERROR(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
      ERROR(CUDA_ERROR_NOT_FOUND, "named symbol not found"),
      ERROR(CUDA_ERROR_NOT_READY, "device not ready"),
      ERROR(CUDA_ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
      ERROR(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
      ERROR(CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned address"),
      ERROR(CUDA_ERROR_LAUNCH_FAILED, "unspecified launch failure"),
      ERROR(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, "part or all of the requested memory range is already mapped"),
      ERROR(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, "pointer does not correspond to a registered memory region"),
      ERROR(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"),
      ERROR(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "operation failed due to a previous error during capture"),
      ERROR(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "operation failed because the stream is not capturing as it should"),
      ERROR(CUDA_ERROR_CAPTURED_EVENT, "operation not permitted on an event last recorded in a capturing stream"),
      ERROR(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, "the graph update was not performed because it included changes which violated constraints"),
#undef ERROR
  };
  return all;
}

}  // namespace

extern "C" {

// --- The device ----------------------------------------------------------------------------------------------------------------

CUresult cuInit(unsigned) {
  static bool once = (std::atexit(writeStats), true);
  (void) once;
  return standin::number("STANDIN_DEVICES", 1) > 0 ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

CUresult cuDriverGetVersion(int *version) {
  *version = 13000;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  *count = (int) standin::number("STANDIN_DEVICES", 1);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (ordinal < 0 || ordinal >= standin::number("STANDIN_DEVICES", 1)) return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice) {
  std::snprintf(name, (size_t) length, "%s", standin::setting("STANDIN_NAME", "stand-in (CUDA C on a processor)").c_str());
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice) {
  *bytes = (size_t) standin::number("STANDIN_MEMORY", 80L << 30);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice) {
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 9; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = (int) standin::number("STANDIN_MULTIPROCESSORS", 132); break;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y: *value = THREADS; break;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z: *value = 64; break;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X: *value = 0x7fffffff; break;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z: *value = 65535; break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK: *value = SHARED_DEFAULT; break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: *value = SHARED_MOST; break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR: *value = 228 << 10; break;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR: *value = REGISTERS; break;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR: *value = 2048; break;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR: *value = 32; break;
    case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY: *value = 64 << 10; break;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE: *value = 32; break;
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: *value = 1980000; break;
    case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: *value = 2619000; break;
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH: *value = 5120; break;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: *value = 50 << 20; break;
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT: *value = 3; break;
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY: *value = 1; break;
    default: *value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult e, const char **name) {
  auto found = errors().find(e);
  *name = found == errors().end() ? nullptr : found->second.first;
  return *name ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult e, const char **text) {
  auto found = errors().find(e);
  *text = found == errors().end() ? nullptr : found->second.second;
  return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

// NVRTC asks for tables of the driver's inner functions, and does without.
CUresult cuGetExportTable(const void **, const CUuuid *) { return CUDA_ERROR_NOT_FOUND; }

// --- Contexts: one for all -------------------------------------------------------------------------------------------------------

CUresult cuCtxCreate(CUcontext *context, CUctxCreateParams *, unsigned, CUdevice) {
  BEGIN
  *context = (CUcontext) new char;
  return CUDA_SUCCESS;
}
CUresult cuCtxDestroy(CUcontext context) {
  delete (char *) context;
  return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext) { return CUDA_SUCCESS; }
CUresult cuCtxSynchronize() {
  BEGIN NOT_WHILE_CAPTURING
  waits++;
  if (tracing()) say("wait for all");
  flushAll();
  return sticky;
}

// --- Memory ------------------------------------------------------------------------------------------------------------------------

CUresult cuMemAlloc(CUdeviceptr *address, size_t bytes) {
  BEGIN NOT_WHILE_CAPTURING
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  *address = standin::allocate(bytes);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuMemFree(CUdeviceptr address) {
  BEGIN NOT_WHILE_CAPTURING
  flushAll();
  return address == 0 || standin::release(address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemGetInfo(size_t *unused, size_t *total) {
  BEGIN
  *unused = *total = (size_t) standin::number("STANDIN_MEMORY", 80L << 30);
  return CUDA_SUCCESS;
}

CUresult cuMemAllocHost(void **p, size_t bytes) {
  BEGIN NOT_WHILE_CAPTURING
  if (posix_memalign(p, 4096, bytes) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
  standin::pin((uintptr_t) *p, bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *p) {
  BEGIN NOT_WHILE_CAPTURING
  flushAll();
  if (!standin::unpin((uintptr_t) p)) return CUDA_ERROR_INVALID_VALUE;
  free(p);
  return CUDA_SUCCESS;
}

CUresult cuMemHostRegister(void *p, size_t bytes, unsigned) {
  BEGIN NOT_WHILE_CAPTURING
  if (standin::pinned((uintptr_t) p, 1)) return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
  standin::pin((uintptr_t) p, bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemHostUnregister(void *p) {
  BEGIN NOT_WHILE_CAPTURING
  flushAll();
  return standin::unpin((uintptr_t) p) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
}

static CUresult copy(CUstream stream, Kind kind, uintptr_t to, uintptr_t from, size_t bytes) {
  STREAM(s, stream)
  bool inside = (kind == Kind::TO_HOST || standin::holds(to, bytes)) && (kind == Kind::TO_DEVICE || standin::holds(from, bytes));
  if (!inside) {
    say("copy of " + std::to_string(bytes) + " bytes outside of a buffer: " + standin::whereIs(kind == Kind::TO_HOST ? from : to));
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (bytes == 0) return CUDA_SUCCESS;
  if (tracing()) {
    const char *names[] = {"", "to the device", "to the host", "on the device"};
    say("copy " + std::to_string(bytes) + " bytes " + names[(int) kind] + ", " + standin::whereIs(kind == Kind::TO_HOST ? from : to));
  }
  Operation o = {};
  o.kind = kind;
  o.to = to;
  o.from = from;
  o.bytes = bytes;
  return put(s, std::move(o));
}

// Without a stream, and done when the call returns. Streams that do not wait for stream 0 are not waited for.
static CUresult copyNow(Kind kind, uintptr_t to, uintptr_t from, size_t bytes) {
  NOT_WHILE_CAPTURING
  CUresult r = copy(nullptr, kind, to, from, bytes);
  flush(&common, common.put);
  return r == CUDA_SUCCESS ? sticky : r;
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream s) {
  BEGIN
  return copy(s, Kind::TO_DEVICE, to, (uintptr_t) from, bytes);
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream s) {
  BEGIN
  return copy(s, Kind::TO_HOST, (uintptr_t) to, from, bytes);
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s) {
  BEGIN
  return copy(s, Kind::ON_DEVICE, to, from, bytes);
}
CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes) {
  BEGIN
  return copyNow(Kind::TO_DEVICE, to, (uintptr_t) from, bytes);
}
CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
  BEGIN
  return copyNow(Kind::TO_HOST, (uintptr_t) to, from, bytes);
}
CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  BEGIN
  return copyNow(Kind::ON_DEVICE, to, from, bytes);
}

CUresult cuMemsetD8(CUdeviceptr to, unsigned char value, size_t bytes) {
  BEGIN NOT_WHILE_CAPTURING
  if (!standin::holds(to, bytes)) return CUDA_ERROR_INVALID_VALUE;
  Operation o = {};
  o.kind = Kind::FILL;
  o.to = to;
  o.value = value;
  o.bytes = bytes;
  CUresult r = put(&common, std::move(o));
  flush(&common, common.put);
  return r;
}

// --- Streams and events -----------------------------------------------------------------------------------------------------------

CUresult cuStreamCreate(CUstream *stream, unsigned) {
  BEGIN
  Stream *s = new Stream;
  streams.insert(s);
  *stream = (CUstream) s;
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy(CUstream stream) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  STREAM(s, stream)
  if (s == &common) return CUDA_ERROR_INVALID_HANDLE;
  flush(s, s->put);
  streams.erase(s);
  delete s;
  return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream) {
  BEGIN
  STREAM(s, stream)
  if (s->capturing) {
    s->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  waits++;
  if (tracing()) say("wait for a stream");
  flush(s, s->put);
  return sticky;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  BEGIN
  STREAM(s, stream)
  auto found = events.find(event);
  if (found == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  const std::shared_ptr<Event> &e = found->second;
  if (!e->recorded) return CUDA_SUCCESS;
  if (s->capturing) return e->captured ? CUDA_SUCCESS : CUDA_SUCCESS;
  if (e->captured) return CUDA_ERROR_CAPTURED_EVENT;
  Operation o = {};
  o.kind = Kind::WAIT;
  o.event = e;
  o.until = e->waitsFor;
  return put(s, std::move(o));
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  BEGIN
  auto e = std::make_shared<Event>();
  e->timed = !(flags & CU_EVENT_DISABLE_TIMING);
  *event = (CUevent) e.get();
  events[*event] = std::move(e);
  eventsMade++;
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return events.erase(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  BEGIN
  STREAM(s, stream)
  auto found = events.find(event);
  if (found == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  Event &e = *found->second;
  e.recorded = true;
  e.captured = s->capturing;
  e.stream = s;
  if (s->capturing) return CUDA_SUCCESS;
  Operation o = {};
  o.kind = Kind::RECORD;
  o.event = found->second;
  CUresult r = put(s, std::move(o));
  e.waitsFor = s->put;
  return r;
}

static CUresult reached(CUevent event) {
  auto found = events.find(event);
  if (found == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  Event &e = *found->second;
  if (e.captured) return CUDA_ERROR_CAPTURED_EVENT;
  if (e.recorded && (e.stream == &common || streams.count(e.stream))) flush(e.stream, e.waitsFor);
  return sticky;
}

CUresult cuEventQuery(CUevent event) {
  BEGIN NOT_WHILE_CAPTURING
  return reached(event);
}

CUresult cuEventSynchronize(CUevent event) {
  BEGIN NOT_WHILE_CAPTURING
  waits++;
  if (tracing()) say("wait for an event");
  return reached(event);
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent from, CUevent to) {
  BEGIN
  auto a = events.find(from), b = events.find(to);
  if (a == events.end() || b == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  if (!a->second->timed || !b->second->timed || !a->second->recorded || !b->second->recorded) return CUDA_ERROR_INVALID_HANDLE;
  if (a->second->captured || b->second->captured) return CUDA_ERROR_CAPTURED_EVENT;
  *milliseconds = std::chrono::duration<float, std::milli>(b->second->when - a->second->when).count();
  return CUDA_SUCCESS;
}

// --- Modules and launches ---------------------------------------------------------------------------------------------------------

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
  BEGIN
  try {
    modules.push_back(standin::load(image));
    *module = (CUmodule) modules.back().get();
    return CUDA_SUCCESS;
  } catch (const std::exception &e) {
    say(e.what());
    size_t room = 0;
    for (unsigned i = 0; i < count; i++) {
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) room = (size_t) (uintptr_t) values[i];
    }
    for (unsigned i = 0; i < count; i++) {
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER && room > 0) std::snprintf((char *) values[i], room, "%s", e.what());
    }
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
}
CUresult cuModuleLoadData(CUmodule *module, const void *image) { return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr); }

// What was compiled stays, and its counters.
CUresult cuModuleUnload(CUmodule) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  flushAll();
  return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  BEGIN
  auto &kernels = ((standin::Module *) module)->kernels;
  auto found = kernels.find(name);
  if (found == kernels.end()) return CUDA_ERROR_NOT_FOUND;
  *function = (CUfunction) found->second.get();
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
  BEGIN
  const standin::Kernel &k = *(standin::Kernel *) function;
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = k.registers ? (int) std::min(THREADS, REGISTERS / ((k.registers + 7) / 8 * 8) / 32 * 32) : (int) THREADS; break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = (int) k.sharedBytes; break;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: *value = (int) k.stackBytes; break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = (int) k.registers; break;
    default: *value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction function, CUoccupancyB2DSize, size_t, int limit) {
  BEGIN
  int most = 0;
  cuFuncGetAttribute(&most, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function);
  *block = limit > 0 ? std::min(limit, most) : most;
  *grid = (int) standin::number("STANDIN_MULTIPROCESSORS", 132);
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned dynamicBytes,
                        CUstream stream, void **parameters, void **extra) {
  BEGIN
  STREAM(s, stream)
  standin::Kernel &k = *(standin::Kernel *) function;
  unsigned long threads = (unsigned long) bx * by * bz;
  std::string launch = k.name + ": a launch of grid " + std::to_string(gx) + " x " + std::to_string(gy) + " x " + std::to_string(gz) + ", block " +
                       std::to_string(bx) + " x " + std::to_string(by) + " x " + std::to_string(bz);
  if (extra || gx == 0 || gy == 0 || gz == 0 || threads == 0 || threads > THREADS || bx > THREADS || by > THREADS || bz > 64 || gx > 0x7fffffffu ||
      gy > 65535 || gz > 65535) {
    say(launch + " is outside of the device's limits");
    return CUDA_ERROR_INVALID_VALUE;
  }
  // More than the default would need cuFuncSetAttribute, which TornadoVM does not call.
  if (k.sharedBytes + dynamicBytes > SHARED_DEFAULT) {
    say(launch + " needs " + std::to_string(k.sharedBytes + dynamicBytes) + " bytes of shared memory");
    return CUDA_ERROR_INVALID_VALUE;
  }
  if ((k.registers + 7) / 8 * 8 * ((threads + 31) / 32 * 32) > REGISTERS) {
    say(launch + " needs " + std::to_string(k.registers) + " registers a thread");
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  }
  Operation o = {};
  o.kind = Kind::LAUNCH;
  o.launch.kernel = &k;
  o.launch.grid = {gx, gy, gz};
  o.launch.block = {bx, by, bz};
  o.launch.dynamicBytes = dynamicBytes;
  for (unsigned i = 0; i < k.entry->count; i++) {
    if (!parameters || !parameters[i]) return CUDA_ERROR_INVALID_VALUE;
    const char *p = (const char *) parameters[i];
    o.launch.parameters.emplace_back(p, p + k.entry->sizes[i]);
  }
  return put(s, std::move(o));
}

// --- Graphs -----------------------------------------------------------------------------------------------------------------------

namespace {
std::map<CUgraph, std::shared_ptr<Graph>> graphs;
std::map<CUgraphExec, std::shared_ptr<Graph>> executables;
}  // namespace

CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode mode) {
  BEGIN
  STREAM(s, stream)
  if (s == &common) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (s->capturing) return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  s->capturing = true;
  s->invalid = false;
  s->mode = mode;
  s->graph = std::make_shared<Graph>();
  return CUDA_SUCCESS;
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status) {
  BEGIN
  STREAM(s, stream)
  *status = !s->capturing ? CU_STREAM_CAPTURE_STATUS_NONE : s->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  BEGIN
  STREAM(s, stream)
  *graph = nullptr;
  if (!s->capturing) return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  s->capturing = false;
  if (s->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  *graph = (CUgraph) s->graph.get();
  graphs[*graph] = std::move(s->graph);
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long) {
  BEGIN
  auto found = graphs.find(graph);
  if (found == graphs.end()) return CUDA_ERROR_INVALID_VALUE;
  auto copy = std::make_shared<Graph>(*found->second);
  *executable = (CUgraphExec) copy.get();
  executables[*executable] = std::move(copy);
  graphsMade++;
  return CUDA_SUCCESS;
}

CUresult cuGraphExecUpdate(CUgraphExec executable, CUgraph graph, CUgraphExecUpdateResultInfo *info) {
  BEGIN
  auto e = executables.find(executable);
  auto g = graphs.find(graph);
  if (e == executables.end() || g == graphs.end()) return CUDA_ERROR_INVALID_VALUE;
  const auto &old = e->second->operations, &now = g->second->operations;
  bool same = old.size() == now.size();
  for (size_t i = 0; same && i < old.size(); i++) same = old[i].kind == now[i].kind;
  info->result = same ? CU_GRAPH_EXEC_UPDATE_SUCCESS : CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  if (!same) return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
  // What waits in a stream keeps what it was put there with.
  e->second->operations = now;
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  BEGIN
  STREAM(s, stream)
  auto found = executables.find(executable);
  if (found == executables.end()) return CUDA_ERROR_INVALID_VALUE;
  graphLaunches++;
  Operation o = {};
  o.kind = Kind::GRAPH;
  o.graph = late() ? std::make_shared<Graph>(*found->second) : found->second;
  return put(s, std::move(o));
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return executables.erase(executable) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGraphDestroy(CUgraph graph) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return graphs.erase(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

}  // extern "C"
