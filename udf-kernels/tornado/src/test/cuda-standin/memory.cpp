#include "memory.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "settings.h"

namespace standin {
namespace {

constexpr size_t PAGE = 4096;
// Bytes that a buffer's memory holds before anything is written: f32, f16 and bf16 of it are NaN, integers negative.
constexpr int POISON = 0xff;
constexpr int BEHIND = 0xa5;

struct Buffer {
  size_t bytes, slack;   // behind the bytes, up to the page that cannot be touched
  char *mapping;
  size_t mapped;
  Cell *cells;
};

std::mutex mutex;
std::map<uintptr_t, Buffer> buffers;
std::map<uintptr_t, size_t> pins;
size_t held = 0;
std::atomic<unsigned> released{0};

const std::pair<const uintptr_t, Buffer> *find(uintptr_t address) {
  auto next = buffers.upper_bound(address);
  if (next == buffers.begin()) return nullptr;
  const auto &found = *--next;
  return address < found.first + found.second.bytes ? &found : nullptr;
}

}  // namespace

uintptr_t allocate(size_t bytes) {
  static const size_t most = (size_t) number("STANDIN_MEMORY", 80L << 30);
  static const bool poison = number("STANDIN_POISON", 1) != 0;
  if (bytes == 0 || bytes > most) return 0;
  std::lock_guard<std::mutex> lock(mutex);
  if (held + bytes > most) return 0;
  size_t inner = (bytes + 255) / 256 * 256, pages = (inner + PAGE - 1) / PAGE * PAGE, mapped = pages + 2 * PAGE;
  char *mapping = (char *) mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return 0;
  mprotect(mapping + PAGE, pages, PROT_READ | PROT_WRITE);
  char *start = mapping + PAGE + pages - inner;  // as far behind as CUDA's alignment of 256 bytes allows
  if (poison && bytes <= (size_t) 1 << 30) memset(start, POISON, bytes);
  memset(start + bytes, BEHIND, inner - bytes);
  buffers[(uintptr_t) start] = {bytes, inner - bytes, mapping, mapped, nullptr};
  held += bytes;
  return (uintptr_t) start;
}

bool release(uintptr_t address) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = buffers.find(address);
  if (found == buffers.end()) return false;
  const Buffer &b = found->second;
  held -= b.bytes;
  if (b.cells) munmap(b.cells, (b.bytes / 4 + 1) * sizeof(Cell));
  munmap(b.mapping, b.mapped);
  buffers.erase(found);
  released++;
  return true;
}

bool holds(uintptr_t address, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = find(address);
  return found && address + bytes <= found->first + found->second.bytes;
}

// Also called by the handler of a fault, in whose thread no lock is held: kernels take none.
std::string whereIs(uintptr_t address) {
  char text[200];
  const std::pair<const uintptr_t, Buffer> *nearest = nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  for (const auto &b : buffers) {
    if (address >= (uintptr_t) b.second.mapping && address < (uintptr_t) b.second.mapping + b.second.mapped) nearest = &b;
  }
  if (!nearest) {
    std::snprintf(text, sizeof text, "address 0x%zx, which is in no buffer of the device", (size_t) address);
  } else if (address < nearest->first) {
    std::snprintf(text, sizeof text, "%zu bytes before a buffer of %zu bytes", nearest->first - address, nearest->second.bytes);
  } else {
    std::snprintf(text, sizeof text, "byte %zu of a buffer of %zu bytes", address - nearest->first, nearest->second.bytes);
  }
  return text;
}

std::string damaged() {
  std::lock_guard<std::mutex> lock(mutex);
  for (const auto &b : buffers) {
    char *behind = (char *) b.first + b.second.bytes;
    for (size_t i = 0; i < b.second.slack; i++) {
      if ((unsigned char) behind[i] != BEHIND) {
        memset(behind, BEHIND, b.second.slack);
        char text[200];
        std::snprintf(text, sizeof text, "wrote byte %zu of a buffer of %zu bytes", b.second.bytes + i, b.second.bytes);
        return text;
      }
    }
  }
  return "";
}

Cell *cellOf(const void *address) {
  static thread_local uintptr_t from = 1, to = 0;
  static thread_local Cell *cells = nullptr;
  static thread_local unsigned asOf = 0;
  uintptr_t a = (uintptr_t) address;
  if (a < from || a >= to || asOf != released) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = find(a);
    if (!found) return nullptr;
    Buffer &b = const_cast<Buffer &>(found->second);
    if (!b.cells) {
      void *m = mmap(nullptr, (b.bytes / 4 + 1) * sizeof(Cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (m == MAP_FAILED) return nullptr;
      b.cells = (Cell *) m;
    }
    from = found->first;
    to = from + b.bytes;
    cells = b.cells;
    asOf = released;
  }
  return cells + (a - from) / 4;
}

void pin(uintptr_t address, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  pins[address] = bytes;
}

bool unpin(uintptr_t address) {
  std::lock_guard<std::mutex> lock(mutex);
  return pins.erase(address) != 0;
}

bool pinned(uintptr_t address, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  auto next = pins.upper_bound(address);
  if (next == pins.begin()) return false;
  --next;
  return address + bytes <= next->first + next->second;
}

}  // namespace standin
