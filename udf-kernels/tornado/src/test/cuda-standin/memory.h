// Memory of the device: each buffer is a mapping of its own, with pages around it that cannot be touched.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime.h"

namespace standin {

// 0 where there is no room.
uintptr_t allocate(size_t bytes);
// False where no buffer starts there.
bool release(uintptr_t address);
// Whether a buffer holds these bytes.
bool holds(uintptr_t address, size_t bytes);
// Where an address lies, in words.
std::string whereIs(uintptr_t address);
// Names a buffer behind whose end something was written, and mends it; empty if there is none.
std::string damaged();
// Cells of the race check for the four bytes at an address; null outside of buffers.
Cell *cellOf(const void *address);
// Host memory that the device copies by itself.
void pin(uintptr_t address, size_t bytes);
bool unpin(uintptr_t address);
bool pinned(uintptr_t address, size_t bytes);

}  // namespace standin
