// Settings: environment variables, all named STANDIN_... (README.md lists them).
#pragma once
#include <cstdlib>
#include <string>

namespace standin {

inline std::string setting(const char *name, const char *otherwise = "") {
  const char *v = std::getenv(name);
  return v && *v ? v : otherwise;
}

inline long number(const char *name, long otherwise) {
  const char *v = std::getenv(name);
  return v && *v ? std::atol(v) : otherwise;
}

// The end of a compiled image that the stand-in's NVRTC made: image, source, length of the source, mark.
constexpr char MARK[] = "STANDIN-CUDA-C-1";  // 16 bytes without the last

}  // namespace standin
