// A libnvrtc that passes everything on to the real one and puts the source behind the compiled image.
#include <dlfcn.h>
#include <nvrtc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "settings.h"

namespace {

template <class F>
F *of(F *, const char *name, void *library) {
  return (F *) dlsym(library, name);
}

void *real() {
  static void *library = [] {
    std::vector<std::string> places;
    std::string own = standin::setting("STANDIN_NVRTC");
    if (!own.empty()) places.push_back(own);
    for (const char *variable : {"CUDA_PATH", "CUDA_HOME"}) {
      std::string root = standin::setting(variable);
      for (const char *folder : {"/lib64/", "/lib/"}) {
        if (!root.empty()) places.push_back(root + folder + "libnvrtc.so.13");
      }
    }
    places.push_back("/usr/local/cuda/lib64/libnvrtc.so.13");
    Dl_info self;
    dladdr((void *) &real, &self);
    std::string tried;
    for (const std::string &place : places) {
      char *path = realpath(place.c_str(), nullptr), *mine = realpath(self.dli_fname, nullptr);
      bool same = path && mine && strcmp(path, mine) == 0;
      free(path);
      free(mine);
      if (same) continue;
      if (void *found = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        // NVRTC opens its other library by name alone; it is found if it is there already.
        int major = 13, minor = 0;
        of(&nvrtcVersion, "nvrtcVersion", found)(&major, &minor);
        std::string folder = place.substr(0, place.rfind('/') + 1);
        dlopen((folder + "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor)).c_str(), RTLD_NOW | RTLD_LOCAL);
        return found;
      }
      tried += std::string("\n  ") + dlerror();
    }
    std::fprintf(stderr, "stand-in: the real NVRTC is needed: set STANDIN_NVRTC to the path of libnvrtc.so.13. Tried:%s\n", tried.c_str());
    std::abort();
  }();
  return library;
}

#define REAL(name) of(&name, #name, real())

std::mutex mutex;
std::map<nvrtcProgram, std::string> sources;

// Writes source, image and log of a program to STANDIN_DUMP, named by its kernel.
void dump(nvrtcProgram program, const std::string &source) {
  std::string folder = standin::setting("STANDIN_DUMP");
  if (folder.empty()) return;
  size_t at = source.find("__global__ void ");
  std::string name = at == std::string::npos ? "none" : source.substr(at + 16, source.find('(', at) - at - 16);
  char number[32];
  std::snprintf(number, sizeof number, "-%08x", (unsigned) std::hash<std::string>()(source));
  std::string base = folder + "/" + name + number;
  std::ofstream(base + ".cu") << source;
  size_t size = 0;
  if (REAL(nvrtcGetCUBINSize)(program, &size) == NVRTC_SUCCESS && size > 0) {
    std::string image(size, 0);
    REAL(nvrtcGetCUBIN)(program, &image[0]);
    std::ofstream(base + ".cubin", std::ios::binary) << image;
  }
  if (REAL(nvrtcGetProgramLogSize)(program, &size) == NVRTC_SUCCESS && size > 1) {
    std::string log(size, 0);
    REAL(nvrtcGetProgramLog)(program, &log[0]);
    std::ofstream(base + ".log") << log.c_str();
  }
}

}  // namespace

extern "C" {

const char *nvrtcGetErrorString(nvrtcResult r) { return REAL(nvrtcGetErrorString)(r); }
nvrtcResult nvrtcVersion(int *major, int *minor) { return REAL(nvrtcVersion)(major, minor); }
nvrtcResult nvrtcGetNumSupportedArchs(int *n) { return REAL(nvrtcGetNumSupportedArchs)(n); }
nvrtcResult nvrtcGetSupportedArchs(int *archs) { return REAL(nvrtcGetSupportedArchs)(archs); }

nvrtcResult nvrtcCreateProgram(nvrtcProgram *program, const char *source, const char *name, int headers, const char *const *texts, const char *const *names) {
  nvrtcResult r = REAL(nvrtcCreateProgram)(program, source, name, headers, texts, names);
  if (r == NVRTC_SUCCESS) {
    std::lock_guard<std::mutex> lock(mutex);
    sources[*program] = source;
  }
  return r;
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    sources.erase(*program);
  }
  return REAL(nvrtcDestroyProgram)(program);
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int count, const char *const *options) {
  std::vector<const char *> all(options, options + count);
  bool verbose = !standin::setting("STANDIN_DUMP").empty();
  if (verbose) all.push_back("--ptxas-options=-v");
  nvrtcResult r = REAL(nvrtcCompileProgram)(program, (int) all.size(), all.data());
  std::lock_guard<std::mutex> lock(mutex);
  dump(program, sources[program]);
  return r;
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t *size) {
  nvrtcResult r = REAL(nvrtcGetCUBINSize)(program, size);
  std::lock_guard<std::mutex> lock(mutex);
  if (r == NVRTC_SUCCESS && *size > 0) *size += 16 + 8 + sources[program].size() + 64;
  return r;
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char *image) {
  size_t size = 0;
  nvrtcResult r = REAL(nvrtcGetCUBINSize)(program, &size);
  if (r != NVRTC_SUCCESS) return r;
  r = REAL(nvrtcGetCUBIN)(program, image);
  if (r != NVRTC_SUCCESS) return r;
  std::lock_guard<std::mutex> lock(mutex);
  const std::string &source = sources[program];
  uint64_t length = source.size();
  memcpy(image + size, standin::MARK, 16);
  memcpy(image + size + 16, &length, 8);
  memcpy(image + size + 24, source.data(), source.size());
  memset(image + size + 24 + source.size(), 0, 64);
  return r;
}

nvrtcResult nvrtcGetPTXSize(nvrtcProgram p, size_t *size) { return REAL(nvrtcGetPTXSize)(p, size); }
nvrtcResult nvrtcGetPTX(nvrtcProgram p, char *ptx) { return REAL(nvrtcGetPTX)(p, ptx); }
nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram p, size_t *size) { return REAL(nvrtcGetProgramLogSize)(p, size); }
nvrtcResult nvrtcGetProgramLog(nvrtcProgram p, char *log) { return REAL(nvrtcGetProgramLog)(p, log); }
nvrtcResult nvrtcAddNameExpression(nvrtcProgram p, const char *e) { return REAL(nvrtcAddNameExpression)(p, e); }
nvrtcResult nvrtcGetLoweredName(nvrtcProgram p, const char *e, const char **n) { return REAL(nvrtcGetLoweredName)(p, e, n); }

}  // extern "C"
