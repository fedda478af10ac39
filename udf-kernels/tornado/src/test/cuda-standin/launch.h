// Runs kernels: block after block, the threads of a block as fibers of one thread of the host.
#pragma once
#include <string>
#include <vector>

#include "module.h"

namespace standin {

// A launch with its parameters, as it waits in a stream or stands in a graph.
struct Launch {
  Kernel *kernel;
  Dim grid, block;
  unsigned dynamicBytes;
  std::vector<std::vector<char>> parameters;
};

// Runs it. Empty, or what went wrong, in words.
std::string run(const Launch &launch);

}  // namespace standin
