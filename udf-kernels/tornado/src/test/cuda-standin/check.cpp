// Tests of the stand-in itself: `make check`. Each case runs in a process of its own, as a fault spoils a context for good.
#include <cuda.h>
#include <nvrtc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

void require(bool good, const char *what) {
  if (good) return;
  std::fprintf(stderr, "  wrong: %s\n", what);
  std::fflush(nullptr);
  _exit(1);
}

struct Program {
  CUfunction function = nullptr;
  CUstream stream = nullptr;
  CUdeviceptr out = 0;
  size_t bytes;

  Program(const char *source, size_t outBytes) : bytes(outBytes) {
    nvrtcProgram p;
    nvrtcCreateProgram(&p, source, "check.cu", 0, nullptr, nullptr);
    const char *options[] = {"--gpu-architecture=sm_90"};
    nvrtcResult r = nvrtcCompileProgram(p, 1, options);
    size_t size = 0;
    nvrtcGetProgramLogSize(p, &size);
    std::string log(size, 0), image;
    nvrtcGetProgramLog(p, &log[0]);
    require(r == NVRTC_SUCCESS, log.c_str());
    nvrtcGetCUBINSize(p, &size);
    image.resize(size);
    nvrtcGetCUBIN(p, &image[0]);
    CUcontext context;
    CUmodule module;
    require(cuInit(0) == CUDA_SUCCESS && cuCtxCreate(&context, nullptr, 0, 0) == CUDA_SUCCESS, "start");
    require(cuModuleLoadData(&module, image.data()) == CUDA_SUCCESS, "load");
    require(cuModuleGetFunction(&function, module, "k") == CUDA_SUCCESS, "function");
    require(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) == CUDA_SUCCESS, "stream");
    require(cuMemAlloc(&out, bytes) == CUDA_SUCCESS, "memory");
  }

  CUresult launch(unsigned blocks, unsigned threads, unsigned dynamic = 0) {
    void *parameters[] = {&out};
    return cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, dynamic, stream, parameters, nullptr);
  }

  template <class T>
  std::vector<T> result() {
    std::vector<T> v(bytes / sizeof(T));
    require(cuMemcpyDtoHAsync(v.data(), out, bytes, stream) == CUDA_SUCCESS && cuStreamSynchronize(stream) == CUDA_SUCCESS, "result");
    return v;
  }
};

const char REVERSE[] = R"(
extern "C" __global__ void k(int *out) {
  __shared__ int s[64];
  s[threadIdx.x] = (int) (blockIdx.x * 100 + threadIdx.x);
  BARRIER
  out[blockIdx.x * 64 + threadIdx.x] = *(( int *) &s[63 - threadIdx.x]);
})";

std::string replaced(std::string s, const std::string &what, const std::string &by) { return s.replace(s.find(what), what.size(), by); }

void barrier() {
  Program p(replaced(REVERSE, "BARRIER", "__syncthreads();").c_str(), 4 * 192);
  require(p.launch(3, 64) == CUDA_SUCCESS, "launch");
  auto v = p.result<int>();
  for (int i = 0; i < 192; i++) require(v[i] == i / 64 * 100 + 63 - i % 64, "values");
}

void missingBarrier() {
  Program p(replaced(REVERSE, "BARRIER", "").c_str(), 4 * 192);
  require(p.launch(3, 64) == CUDA_SUCCESS, "launch");
  auto v = p.result<int>();
  bool same = true;
  for (int i = 0; i < 192; i++) same = same && v[i] == i / 64 * 100 + 63 - i % 64;
  require(!same, "a missing barrier is not seen");
}

const char SHUFFLES[] = R"(
extern "C" __global__ void k(int *out) {
  int v = (int) threadIdx.x;
  for (int by = 16; by > 0; by >>= 1) v += __shfl_xor_sync(0xffffffffu, v, by);
  int down = __shfl_down_sync(0xffffffffu, (int) threadIdx.x, 3);
  unsigned odd = __ballot_sync(0xffffffffu, threadIdx.x & 1);
  out[threadIdx.x * 3] = v;
  out[threadIdx.x * 3 + 1] = down;
  out[threadIdx.x * 3 + 2] = (int) odd;
})";

void shuffles() {
  Program p(SHUFFLES, 4 * 64 * 3);
  require(p.launch(1, 64) == CUDA_SUCCESS, "launch");
  auto v = p.result<int>();
  for (int i = 0; i < 64; i++) {
    require(v[i * 3] == (i < 32 ? 496 : 1520), "sum");
    require(v[i * 3 + 1] == (i % 32 < 29 ? i + 3 : i), "down");
    require(v[i * 3 + 2] == (int) 0xaaaaaaaau, "ballot");
  }
}

// a is 16 x 16 by rows, b 16 x 8 by rows (k), both with small integers; ldmatrix has the addresses that TornadoVM gives it.
const char PRODUCT[] = R"(
extern "C" __global__ void k(float *out) {
  __shared__ __align__(16) unsigned short tiles[384];
  for (int i = (int) threadIdx.x; i < 384; i += 32) {
    float v = i < 256 ? (float) (i * 7 % 13 - 6) : (float) ((i - 256) * 5 % 11 - 5);
    unsigned short h;
    asm("{ cvt.rn.f16.f32 %0, %1; }" : "=h"(h) : "f"(v));
    tiles[i] = h;
  }
  __syncthreads();
  unsigned a[4], b[2], lane = threadIdx.x, s;
  asm volatile("{ .reg .u64 u; cvta.to.shared.u64 u, %1; cvt.u32.u64 %0, u; }" : "=r"(s) : "l"((const char *) tiles + ((((lane >> 3 & 1) * 8 + (lane & 7)) << 5) + ((lane >> 4) << 4))));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3]) : "r"(s));
  asm volatile("{ .reg .u64 u; cvta.to.shared.u64 u, %1; cvt.u32.u64 %0, u; }" : "=r"(s) : "l"((const char *) tiles + (512 + ((lane & 7) << 4) + ((lane >> 3 & 1) << 7))));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(b[0]), "=r"(b[1]) : "r"(s));
  float c[4];
  for (int i = 0; i < 4; i++) c[i] = 0.5f;
  float d[4];
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};" : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
  for (int i = 0; i < 4; i++) out[((lane >> 2) + (i >> 1) * 8) * 8 + (lane & 3) * 2 + (i & 1)] = d[i];
})";

void product() {
  Program p(PRODUCT, 4 * 128);
  require(p.launch(1, 32) == CUDA_SUCCESS, "launch");
  auto v = p.result<float>();
  for (int m = 0; m < 16; m++) {
    for (int n = 0; n < 8; n++) {
      float sum = 0.5f;
      for (int k = 0; k < 16; k++) sum += (float) ((m * 16 + k) * 7 % 13 - 6) * (float) ((k * 8 + n) * 5 % 11 - 5);
      require(v[m * 8 + n] == sum, "product");
    }
  }
}

// The parameter is an address of the host.
void hostAddress(CUresult expected) {
  Program p("extern \"C\" __global__ void k(int *out) { *(( int *) out)  =  *(( int *) out) + 1; }", 4);
  static int here = 0;
  CUdeviceptr host = (CUdeviceptr) &here;
  void *parameters[] = {&host};
  cuLaunchKernel(p.function, 1, 1, 1, 1, 1, 1, 0, p.stream, parameters, nullptr);
  require(cuStreamSynchronize(p.stream) == expected, "an address of the host");
}

void partOfAWarp() {
  Program p(PRODUCT, 4 * 128);
  p.launch(1, 16);
  require(cuStreamSynchronize(p.stream) != CUDA_SUCCESS, "ldmatrix by half a warp");
}

const char COPIES[] = R"(
extern "C" __global__ void k(int *out) {
  __shared__ int s[32];
  unsigned at;
  out[threadIdx.x] = (int) threadIdx.x + 7;
  s[threadIdx.x] = -5;
  asm volatile("{ .reg .u64 u; cvta.to.shared.u64 u, %1; cvt.u32.u64 %0, u; }" : "=r"(at) : "l"((char *) s + (threadIdx.x << 2)));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(at), "l"((const char *) out + (threadIdx.x << 2)));
  asm volatile("cp.async.commit_group;");
  out[32 + threadIdx.x] = s[threadIdx.x];
  asm volatile("cp.async.wait_group 0;");
  out[64 + threadIdx.x] = s[threadIdx.x];
})";

void copies() {
  Program p(COPIES, 4 * 96);
  require(p.launch(1, 32) == CUDA_SUCCESS, "launch");
  auto v = p.result<int>();
  for (int i = 0; i < 32; i++) require(v[32 + i] == -5 && v[64 + i] == i + 7, "what is copied is there after the wait, not before");
}

void faults(const char *body, CUresult expected) {
  std::string source = std::string("extern \"C\" __global__ void k(int *out) {\n  __shared__ int s[4];\n  float a[3];\n  ") + body + "\n}";
  Program p(source.c_str(), 4 * 63);
  require(p.launch(1, 64) == CUDA_SUCCESS, "launch");
  require(cuStreamSynchronize(p.stream) == expected, "the fault is told when somebody waits");
  CUdeviceptr more;
  require(cuMemAlloc(&more, 4) == expected, "and ever after");
}

void conversions() {
  Program p("extern \"C\" __global__ void k(int *out) { float f_1 = 3e10f; out[0] = (int) f_1; f_1 = -f_1; out[1] = (int) f_1; f_1 = f_1 - f_1; f_1 = f_1 / f_1; out[2] = (int) f_1; }", 12);
  require(p.launch(1, 1) == CUDA_SUCCESS, "launch");
  auto v = p.result<int>();
  require(v[0] == 2147483647 && v[1] == -2147483647 - 1 && v[2] == 0, "casts to integers saturate");
}

void limits() {
  Program p("extern \"C\" __global__ void k(int *out) { out[0] = 1; }", 4);
  require(p.launch(1, 1025) == CUDA_ERROR_INVALID_VALUE, "threads");
  require(p.launch(1, 32, 49153) == CUDA_ERROR_INVALID_VALUE, "shared memory");
  require(cuMemcpyDtoHAsync(&p, p.out, 8, p.stream) == CUDA_ERROR_INVALID_VALUE, "copy past the end");
  require(p.launch(0, 32) == CUDA_ERROR_INVALID_VALUE, "an empty grid");
}

void graphs() {
  Program p("extern \"C\" __global__ void k(int *out) { out[0] += 1; }", 4);
  cuMemsetD8(p.out, 0, 4);
  CUgraph graph;
  CUgraphExec executable;
  require(cuStreamBeginCapture(p.stream, CU_STREAM_CAPTURE_MODE_GLOBAL) == CUDA_SUCCESS, "begin");
  p.launch(1, 1);
  p.launch(1, 1);
  require(cuStreamEndCapture(p.stream, &graph) == CUDA_SUCCESS, "end");
  require(cuGraphInstantiate(&executable, graph, 0) == CUDA_SUCCESS, "instantiate");
  require(p.result<int>()[0] == 0, "what is captured is not run");
  for (int i = 0; i < 3; i++) require(cuGraphLaunch(executable, p.stream) == CUDA_SUCCESS, "launch");
  require(p.result<int>()[0] == 6, "three times two");
  cuStreamBeginCapture(p.stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
  CUdeviceptr more;
  require(cuMemAlloc(&more, 4) == CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "memory while capturing");
  require(cuStreamEndCapture(p.stream, &graph) == CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "which spoils it");
}

void late() {
  Program p("extern \"C\" __global__ void k(int *out) { out[0] = 5; }", 4);
  int *pinned;
  cuMemAllocHost((void **) &pinned, 4);
  *pinned = 1;
  p.launch(1, 1);
  cuMemcpyDtoHAsync(pinned, p.out, 4, p.stream);
  require(*pinned == 1, "nothing is done before somebody waits");
  cuStreamSynchronize(p.stream);
  require(*pinned == 5, "then it is");
}

int failed = 0;

void check(const char *name, const std::function<void()> &body, const std::vector<std::pair<const char *, const char *>> &settings = {}) {
  std::fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    for (auto &s : settings) setenv(s.first, s.second, 1);
    body();
    std::exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::printf("%s %s\n", status == 0 ? "ok  " : "FAIL", name);
  if (status != 0) failed++;
}

// Runs a case with the race check and reads its statistics.
void checkRaces(const char *name, const std::function<void()> &body, bool expected) {
  char path[] = "/tmp/standin-check-XXXXXX";
  close(mkstemp(path));
  check(name, body, {{"STANDIN_RACES", "1"}, {"STANDIN_STATS", path}});
  FILE *f = std::fopen(path, "r");
  char line[1000] = "";
  if (f && std::fgets(line, sizeof line, f)) std::fclose(f);
  unlink(path);
  bool any = std::strstr(line, "\"races\": ") != nullptr && std::strstr(line, "\"races\": 0,") == nullptr;
  if (any == expected) return;
  std::printf("FAIL %s: races were %s\n", name, any ? "found" : "not found");
  failed++;
}

}  // namespace

int main() {
  check("a barrier", barrier);
  check("a barrier, in reverse", barrier, {{"STANDIN_ORDER", "reverse"}});
  check("a barrier, shuffled", barrier, {{"STANDIN_ORDER", "shuffle:3"}});
  check("a barrier, by three threads of the host", barrier, {{"STANDIN_THREADS", "3"}});
  check("a missing barrier", missingBarrier);
  check("a missing barrier, in reverse", missingBarrier, {{"STANDIN_ORDER", "reverse"}});
  checkRaces("no race", barrier, false);
  checkRaces("a race", missingBarrier, true);
  check("shuffles and votes", shuffles);
  check("ldmatrix and mma.sync", product);
  check("ldmatrix and mma.sync, shuffled", product, {{"STANDIN_ORDER", "shuffle:1"}});
  checkRaces("ldmatrix and mma.sync, looked at for races", product, false);
  check("ldmatrix by part of a warp", partOfAWarp);
  check("cp.async", copies);
  check("an address right behind a buffer", [] { faults("out[threadIdx.x] = 1;", CUDA_ERROR_LAUNCH_FAILED); });
  check("an address a little behind a buffer", [] { faults("out[threadIdx.x + 1] = 1;", CUDA_ERROR_ILLEGAL_ADDRESS); });
  check("an address far from a buffer", [] { faults("out[threadIdx.x + 5000] = 1;", CUDA_ERROR_ILLEGAL_ADDRESS); });
  check("an address of the host, looked at", [] { hostAddress(CUDA_ERROR_ILLEGAL_ADDRESS); }, {{"STANDIN_RACES", "1"}});
  check("an index of shared memory", [] { faults("s[threadIdx.x] = 1; out[0] = s[1];", CUDA_ERROR_LAUNCH_FAILED); });
  check("an index of a thread's array", [] { faults("a[threadIdx.x & 3] = 1.0f; out[0] = (int) a[threadIdx.x & 1];", CUDA_ERROR_LAUNCH_FAILED); });
  check("a misaligned address", [] { faults("*(( int *) ((char *) out + 2)) = 1;", CUDA_ERROR_MISALIGNED_ADDRESS); });
  check("a barrier that some never reach", [] { faults("if (threadIdx.x < 32) { __shfl_sync(threadIdx.x < 9 ? 0x1ffu : 0x3ffu, 1, 0); }", CUDA_ERROR_LAUNCH_FAILED); });
  check("casts to integers", conversions);
  check("a fault that is asked for", [] { faults("out[0] = 1;", CUDA_ERROR_LAUNCH_FAILED); }, {{"STANDIN_FAIL", "k:1"}});
  check("limits", limits);
  check("graphs", graphs);
  check("work that waits", late, {{"STANDIN_STREAMS", "late"}});
  std::printf("%s\n", failed == 0 ? "all is well" : "something is wrong");
  return failed == 0 ? 0 : 1;
}
