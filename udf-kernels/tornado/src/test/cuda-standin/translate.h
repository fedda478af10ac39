// CUDA C as TornadoVM writes it, made into C++ for the processor.
#pragma once
#include <string>
#include <vector>

namespace standin {

struct Translation {
  std::string source;                // to be compiled after device/standin.h
  std::vector<std::string> kernels;  // names of the kernels in it
  unsigned sharedBytes = 0;          // shared memory that is declared
};

// races: accesses of memory are looked at for races. Throws std::runtime_error where it meets what it does not know.
Translation translate(const std::string &cuda, bool races);

}  // namespace standin
