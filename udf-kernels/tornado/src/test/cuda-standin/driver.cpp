// A libcuda whose device is the processor: the device, contexts, memory, modules and launches. Streams, events and graphs: queue.cpp.
#include <cuda.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "memory.h"
#include "settings.h"
#include "stream.h"

using namespace standin;

namespace {

// The limits of compute capability 9.0.
constexpr unsigned SHARED_DEFAULT = 48 << 10, SHARED_MOST = 227 << 10, REGISTERS = 64 << 10, THREADS = 1024;

void writeStats() {
  std::string path = setting("STANDIN_STATS");
  if (path.empty()) return;
  std::lock_guard<std::recursive_mutex> lock(mutex);
  FILE *f = std::fopen(path.c_str(), "w");
  if (!f) return;
  // Kernels of one name are several where sizes differ; their launches are added.
  std::map<std::string, Kernel> sums;
  std::map<std::string, int> variants;
  for (const auto &m : modules) {
    for (const auto &entry : m->kernels) {
      const Kernel &k = *entry.second;
      Kernel &s = sums[k.name];
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
    const Kernel &k = s.second;
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

// STANDIN_DEVICES, or as many of them as CUDA_VISIBLE_DEVICES lists; as in CUDA the list ends at the first that is none.
static int devices() {
  int all = (int) number("STANDIN_DEVICES", 1);
  const char *visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (!visible) return all;
  int count = 0;
  for (const char *at = visible; *at >= '0' && *at <= '9' && std::atoi(at) < all; ++count) {
    at += std::strcspn(at, ",");
    if (*at) ++at;
  }
  return count;
}

CUresult cuInit(unsigned) {
  static bool once = (std::atexit(writeStats), true);
  (void) once;
  return devices() > 0 ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

CUresult cuDriverGetVersion(int *version) {
  *version = 13000;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  *count = devices();
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (ordinal < 0 || ordinal >= devices()) return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice) {
  std::snprintf(name, (size_t) length, "%s", setting("STANDIN_NAME", "stand-in (CUDA C on a processor)").c_str());
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice) {
  *bytes = (size_t) number("STANDIN_MEMORY", 80L << 30);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice) {
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 9; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = (int) number("STANDIN_MULTIPROCESSORS", 132); break;
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
  *address = allocate(bytes);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuMemFree(CUdeviceptr address) {
  BEGIN NOT_WHILE_CAPTURING
  flushAll();
  return address == 0 || release(address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemGetInfo(size_t *unused, size_t *total) {
  BEGIN
  *unused = *total = (size_t) number("STANDIN_MEMORY", 80L << 30);
  return CUDA_SUCCESS;
}

CUresult cuMemAllocHost(void **p, size_t bytes) {
  BEGIN NOT_WHILE_CAPTURING
  if (posix_memalign(p, 4096, bytes) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
  pin((uintptr_t) *p, bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *p) {
  BEGIN NOT_WHILE_CAPTURING
  flushAll();
  if (!unpin((uintptr_t) p)) return CUDA_ERROR_INVALID_VALUE;
  free(p);
  return CUDA_SUCCESS;
}

CUresult cuMemHostRegister(void *p, size_t bytes, unsigned) {
  BEGIN NOT_WHILE_CAPTURING
  if (pinned((uintptr_t) p, 1)) return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
  pin((uintptr_t) p, bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemHostUnregister(void *p) {
  BEGIN NOT_WHILE_CAPTURING
  flushAll();
  return unpin((uintptr_t) p) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
}

static CUresult copy(CUstream stream, Kind kind, uintptr_t to, uintptr_t from, size_t bytes) {
  STREAM(s, stream)
  bool inside = (kind == Kind::TO_HOST || holds(to, bytes)) && (kind == Kind::TO_DEVICE || holds(from, bytes));
  if (!inside) {
    say("copy of " + std::to_string(bytes) + " bytes outside of a buffer: " + whereIs(kind == Kind::TO_HOST ? from : to));
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (bytes == 0) return CUDA_SUCCESS;
  if (tracing()) {
    const char *names[] = {"", "to the device", "to the host", "on the device"};
    say("copy " + std::to_string(bytes) + " bytes " + names[(int) kind] + ", " + whereIs(kind == Kind::TO_HOST ? from : to));
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
  if (!holds(to, bytes)) return CUDA_ERROR_INVALID_VALUE;
  Operation o = {};
  o.kind = Kind::FILL;
  o.to = to;
  o.value = value;
  o.bytes = bytes;
  CUresult r = put(&common, std::move(o));
  flush(&common, common.put);
  return r;
}

// --- Modules and launches ---------------------------------------------------------------------------------------------------------

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
  BEGIN
  try {
    modules.push_back(load(image));
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
  auto &kernels = ((Module *) module)->kernels;
  auto found = kernels.find(name);
  if (found == kernels.end()) return CUDA_ERROR_NOT_FOUND;
  *function = (CUfunction) found->second.get();
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
  BEGIN
  const Kernel &k = *(Kernel *) function;
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
  *grid = (int) number("STANDIN_MULTIPROCESSORS", 132);
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned dynamicBytes,
                        CUstream stream, void **parameters, void **extra) {
  BEGIN
  STREAM(s, stream)
  Kernel &k = *(Kernel *) function;
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

}  // extern "C"
