#include "launch.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "memory.h"
#include "settings.h"

// Saves the registers that a call keeps, and the stack's end in *from; goes on where `to` was left.
extern "C" void standin_switch(void **from, void *to);
// Calls a kernel with the thread in register 15, where translated kernels look for it.
extern "C" void standin_call(void (*kernel)(void **), void **parameters, standin::Thread *thread);
__asm__(R"(
.text
.globl standin_switch
.hidden standin_switch
.type standin_switch, @function
standin_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size standin_switch, .-standin_switch
.globl standin_call
.hidden standin_call
.type standin_call, @function
standin_call:
  pushq %r15
  movq %rdx, %r15
  movq %rdi, %rax
  movq %rsi, %rdi
  call *%rax
  popq %r15
  ret
.size standin_call, .-standin_call
.section .note.GNU-stack,"",@progbits
.text
)");

namespace standin {
namespace {

constexpr size_t PAGE = 4096;
constexpr unsigned MOST_THREADS = 1024;

enum State : uint8_t { NEW, READY, AT_BARRIER, IN_WARP, ENDED };

struct Copy {
  char *to;
  const char *from;
  unsigned bytes;
};

struct Fiber {
  Thread thread;
  void *stackEnd;
  State state;
  char *stack;
  std::vector<std::vector<Copy>> groups;  // copies that were put off, the last group not yet committed
};

struct WarpState {
  Warp warp;
  void (*act)(Thread *, void **, unsigned);
};

struct Executor;
thread_local Executor *current __attribute__((tls_model("initial-exec"))) = nullptr;

size_t stackBytes() {
  static const size_t bytes = (size_t) number("STANDIN_STACK", 64 << 10) / PAGE * PAGE;
  return bytes;
}

// Thread of the host that runs blocks.
struct Executor {
  void *schedulerEnd = nullptr;
  Fiber *running = nullptr;
  std::vector<Fiber> fibers{MOST_THREADS};
  WarpState warps[MOST_THREADS / 32];
  std::vector<char *> stacks;
  char *stackMemory = nullptr;
  char *sharedMemory = nullptr;
  size_t sharedRoom = 0;
  std::vector<Cell> cells;
  Block block;
  unsigned live = 0, arrived = 0;
  int barrierLine = 0;
  bool mixed = false;
  std::string failure;
  const Launch *launch = nullptr;
  void **parameters = nullptr;
  char signalStack[64 << 10];
  std::vector<unsigned> order;
  uint64_t random = 0;

  Executor() {
    size_t each = stackBytes() + PAGE;
    stackMemory = (char *) mmap(nullptr, each * MOST_THREADS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (unsigned i = MOST_THREADS; i-- > 0;) {
      mprotect(stackMemory + i * each + PAGE, stackBytes(), PROT_READ | PROT_WRITE);
      stacks.push_back(stackMemory + i * each + PAGE);
    }
    sharedRoom = 256 << 10;
    sharedMemory = (char *) mmap(nullptr, sharedRoom + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    mprotect(sharedMemory + PAGE, sharedRoom, PROT_READ | PROT_WRITE);
  }

  ~Executor() {
    munmap(stackMemory, (stackBytes() + PAGE) * MOST_THREADS);
    munmap(sharedMemory, sharedRoom + 2 * PAGE);
  }

  void yield() { standin_switch(&running->stackEnd, schedulerEnd); }

  [[noreturn]] void leave(const std::string &what) {
    const Thread &t = running->thread;
    char place[160];
    std::snprintf(place, sizeof place, "block (%u, %u, %u), thread (%u, %u, %u): ", t.blockIdx.x, t.blockIdx.y, t.blockIdx.z, t.threadIdx.x, t.threadIdx.y, t.threadIdx.z);
    failure = place + what;
    yield();
    std::abort();
  }

  void finishCopies(Fiber &f, size_t leave) {
    while (f.groups.size() > leave + 1) {
      for (const Copy &c : f.groups.front()) memcpy(c.to, c.from, c.bytes);
      f.groups.erase(f.groups.begin());
    }
  }

  void releaseBarrier(unsigned threads) {
    for (unsigned i = 0; i < threads; i++) {
      if (fibers[i].state == AT_BARRIER) fibers[i].state = READY;
    }
    arrived = 0;
    barrierLine = 0;
    block.epoch++;
  }

  unsigned threads() const { return launch->block.x * launch->block.y * launch->block.z; }

  // Lets the lanes of a warp go on if all that are waited for have come.
  void releaseWarp(WarpState &w, Thread *t) {
    unsigned needed = w.warp.mask & w.warp.live;
    if (w.warp.waiting == 0 || (w.warp.waiting & needed) != needed) return;
    w.act(t, w.warp.lanes, w.warp.waiting);
    unsigned first = t->number / 32 * 32;
    for (unsigned lane = 0; lane < 32; lane++) {
      if (w.warp.waiting >> lane & 1) fibers[first + lane].state = READY;
    }
    w.warp.waiting = 0;
  }

  void end(Fiber &f) {
    if (!f.groups.empty()) {
      f.groups.emplace_back();
      finishCopies(f, 0);
      f.groups.clear();
    }
    f.state = ENDED;
    live--;
    WarpState &w = warps[f.thread.number / 32];
    w.warp.live &= ~(1u << f.thread.lane);
    releaseWarp(w, &f.thread);
    if (live > 0 && arrived == live) releaseBarrier(threads());
  }

  // The threads of a pass, or the blocks of a grid, in the order that STANDIN_ORDER asks for.
  void arrange(std::vector<unsigned> &numbers) {
    static const std::string how = setting("STANDIN_ORDER");
    if (how == "reverse") {
      std::reverse(numbers.begin(), numbers.end());
    } else if (how.rfind("shuffle", 0) == 0) {
      for (size_t i = numbers.size(); i > 1; i--) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        std::swap(numbers[i - 1], numbers[(random >> 33) % i]);
      }
    }
  }

  bool runBlock(unsigned number);
};

extern "C" void standin_fiber() {
  Executor *e = current;
  Fiber *f = e->running;
  standin_call(e->launch->kernel->entry->call, e->parameters, &f->thread);
  e->end(*f);
  e->yield();
  std::abort();
}

void barrier(Thread *t, int line) {
  Executor *e = current;
  Fiber &f = *e->running;
  if (e->arrived == 0) e->barrierLine = line;
  if (e->barrierLine != line) e->mixed = true;
  f.state = AT_BARRIER;
  if (++e->arrived == e->live) e->releaseBarrier(e->threads());
  e->yield();
  (void) t;
}

void together(Thread *t, unsigned mask, const char *what, int line, void (*act)(Thread *, void **, unsigned), void *mine) {
  Executor *e = current;
  WarpState &w = e->warps[t->number / 32];
  if (!(mask >> t->lane & 1)) e->leave(std::string(what) + " by a lane that is not in its mask");
  bool aligned = what[0] != '_';
  if (aligned && w.warp.live != 0xffffffffu) e->leave(std::string(what) + " in a warp of which not all 32 threads run");
  if (w.warp.waiting == 0) {
    w.warp.mask = mask;
    w.warp.what = what;
    w.warp.line = line;
    w.act = act;
  } else if (strcmp(w.warp.what, what) != 0 || w.act != act || w.warp.mask != mask || (aligned && w.warp.line != line)) {
    e->leave(std::string(what) + " in line " + std::to_string(line) + " while lanes of the warp wait at " + w.warp.what + " in line " + std::to_string(w.warp.line));
  }
  w.warp.lanes[t->lane] = mine;
  w.warp.waiting |= 1u << t->lane;
  e->running->state = IN_WARP;
  e->releaseWarp(w, t);
  e->yield();
}

void copyLater(Thread *, void *to, const void *from, unsigned bytes) {
  Fiber &f = *current->running;
  if (f.groups.empty()) f.groups.emplace_back();
  f.groups.back().push_back({(char *) to, (const char *) from, bytes});
}
void commitCopies(Thread *) {
  Fiber &f = *current->running;
  if (f.groups.empty()) f.groups.emplace_back();
  f.groups.emplace_back();
}
void waitCopies(Thread *, int groups) { current->finishCopies(*current->running, (size_t) groups); }

void fail(Thread *, const char *what) { current->leave(what); }

std::mutex reports;

void race(Thread *t, const char *what, const char *array, size_t index, unsigned otherBlock, unsigned otherThread) {
  Kernel &k = *current->launch->kernel;
  std::lock_guard<std::mutex> lock(reports);
  static std::set<std::string> told;
  k.races++;
  if (!told.insert(k.name + what + array).second) return;
  std::string place = strcmp(array, "global memory") == 0 ? whereIs(index) : array + ("[" + std::to_string(index) + "]");
  std::fprintf(stderr, "stand-in: race in %s: block %u, thread %u %s (%s; block %u, thread %u), no barrier between them; told once for each array\n", k.name.c_str(),
               t->block->number, t->number, what, place.c_str(), otherBlock, otherThread);
}

// Null for what is a thread's own, as its arrays are.
Cell *globalCell(Thread *, const void *address) {
  Cell *cell = cellOf(address);
  const char *a = (const char *) address, *low = current->stackMemory;
  if (!cell && (a < low || a >= low + (stackBytes() + PAGE) * MOST_THREADS)) current->leave("illegal address: " + whereIs((uintptr_t) address));
  return cell;
}

const Services services = {barrier, together, copyLater, commitCopies, waitCopies, fail, race, globalCell};

bool Executor::runBlock(unsigned number) {
  static const bool poison = standin::number("STANDIN_POISON", 1) != 0;
  static const bool races = standin::number("STANDIN_RACES", 0) != 0;
  static const std::string sums = setting("STANDIN_MMA", "exact");
  const Dim grid = launch->grid, size = launch->block;
  unsigned n = threads(), bytes = (launch->kernel->sharedBytes + launch->dynamicBytes + 15) / 16 * 16;
  Dim at = {number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y};
  block.shared = sharedMemory + PAGE + sharedRoom - bytes;
  block.sharedBytes = bytes;
  block.epoch = 1;
  block.number = number;
  block.mma = sums == "chain" ? 1 : sums == "truncate" ? 2 : 0;
  if (poison) memset(block.shared, 0xff, bytes);
  if (races) {
    cells.assign(bytes, Cell());
    block.cells = cells.data();
  }
  live = n;
  arrived = 0;
  for (unsigned w = 0; w * 32 < n; w++) {
    unsigned lanes = std::min(32u, n - w * 32);
    warps[w] = WarpState();
    warps[w].warp.live = lanes == 32 ? 0xffffffffu : (1u << lanes) - 1;
  }
  order.resize(n);
  for (unsigned i = 0; i < n; i++) {
    Thread &t = fibers[i].thread;
    t.threadIdx = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    t.blockIdx = at;
    t.blockDim = size;
    t.gridDim = grid;
    t.number = i;
    t.lane = i % 32;
    t.block = &block;
    t.warp = &warps[i / 32].warp;
    t.services = &services;
    fibers[i].state = NEW;
    order[i] = i;
  }
  arrange(order);
  while (live > 0) {
    bool ran = false;
    for (unsigned i : order) {
      Fiber &f = fibers[i];
      if (f.state != NEW && f.state != READY) continue;
      if (f.state == NEW) {
        f.stack = stacks.back();
        stacks.pop_back();
        void **top = (void **) (f.stack + stackBytes()) - 2;  // the stack as a call would have left it
        *top = (void *) standin_fiber;
        f.stackEnd = top - 6;
      }
      f.state = READY;
      ran = true;
      running = &f;
      standin_switch(&schedulerEnd, f.stackEnd);
      if (!failure.empty()) {
        for (unsigned j = 0; j < n; j++) {
          if (fibers[j].state != NEW && fibers[j].stack) stacks.push_back(fibers[j].stack);
          fibers[j].stack = nullptr;
          fibers[j].groups.clear();
        }
        return false;
      }
      if (f.state == ENDED) {
        stacks.push_back(f.stack);
        f.stack = nullptr;
      }
    }
    if (!ran) {
      for (unsigned i = 0; i < n; i++) {
        if (fibers[i].state != ENDED) running = &fibers[i];
      }
      failure = "block " + std::to_string(number) + ": threads wait for each other for ever, " + std::to_string(arrived) + " of " + std::to_string(live) +
                " at a barrier in line " + std::to_string(barrierLine);
      for (unsigned j = 0; j < n; j++) {
        if (fibers[j].stack) stacks.push_back(fibers[j].stack);
        fibers[j].stack = nullptr;
        fibers[j].groups.clear();
      }
      return false;
    }
    static const bool shuffled = setting("STANDIN_ORDER").rfind("shuffle", 0) == 0;
    if (shuffled) arrange(order);
  }
  return true;
}

// --- Faults ------------------------------------------------------------------------------------------------------------------

struct sigaction before[64];

void landing() { current->leave(current->failure); }

// A fault of a kernel ends its launch; all others go to whoever was there before, the JVM above all.
void onSignal(int signal, siginfo_t *info, void *context) {
  Executor *e = current;
  if (e != nullptr && e->running != nullptr && e->failure.empty()) {
    ucontext_t *u = (ucontext_t *) context;
    char *low = e->stackMemory, *high = low + (stackBytes() + PAGE) * MOST_THREADS, *address = (char *) info->si_addr;
    if (signal == SIGFPE) {
      e->failure = "integer division by zero (a device gives some number)";
    } else if (address >= low && address < high) {
      e->failure = "the thread's stack is full (STANDIN_STACK)";
    } else if (address >= e->sharedMemory && address < e->sharedMemory + e->sharedRoom + 2 * PAGE) {
      e->failure = "access outside of the block's shared memory";
    } else {
      e->failure = "illegal address: " + whereIs((uintptr_t) address);
    }
    // Go on in landing(), on a stack that has room: the fiber's own, from its start.
    u->uc_mcontext.gregs[REG_RIP] = (greg_t) landing;
    u->uc_mcontext.gregs[REG_RSP] = (greg_t) (e->running->stack + stackBytes() - 256 - 8);
    return;
  }
  struct sigaction &old = before[signal];
  if (old.sa_flags & SA_SIGINFO) {
    old.sa_sigaction(signal, info, context);
  } else if (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN) {
    sigaction(signal, &old, nullptr);
  } else {
    old.sa_handler(signal);
  }
}

void catchFaults() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE}) {
      struct sigaction mine;
      sigaction(signal, nullptr, &before[signal]);
      mine = before[signal];
      mine.sa_flags = (mine.sa_flags | SA_SIGINFO | SA_ONSTACK) & ~SA_RESETHAND;
      mine.sa_sigaction = onSignal;
      sigaction(signal, &mine, nullptr);
    }
  });
}

// --- Launches ----------------------------------------------------------------------------------------------------------------

std::atomic<unsigned> launchCount{0};

void runBlocks(const Launch &launch, void **parameters, const std::vector<unsigned> &blocks, std::atomic<size_t> &next, std::atomic<bool> &stop,
               unsigned launchNumber, std::string &failure, std::mutex &mutex) {
  static std::mutex idleMutex;
  static std::vector<std::unique_ptr<Executor>> idle;
  std::unique_ptr<Executor> own;
  {
    std::lock_guard<std::mutex> lock(idleMutex);
    if (!idle.empty()) {
      own = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!own) own = std::make_unique<Executor>();
  Executor *e = own.get();
  stack_t signals = {}, earlier = {};
  signals.ss_sp = e->signalStack;
  signals.ss_size = sizeof e->signalStack;
  sigaltstack(&signals, &earlier);
  e->launch = &launch;
  e->parameters = parameters;
  e->block.launch = launchNumber;
  e->mixed = false;
  e->random = (uint64_t) launchNumber * 2654435761u + (uint64_t) atol(setting("STANDIN_ORDER").substr(std::min<size_t>(8, setting("STANDIN_ORDER").size())).c_str());
  current = e;
  for (;;) {
    size_t i = next++;
    if (i >= blocks.size() || stop) break;
    if (!e->runBlock(blocks[i])) {
      stop = true;
      std::lock_guard<std::mutex> lock(mutex);
      failure = e->failure;
      e->failure.clear();
    }
  }
  if (e->mixed) {
    std::lock_guard<std::mutex> lock(mutex);
    if (launch.kernel->mixedBarriers++ == 0) {
      std::fprintf(stderr, "stand-in: %s: threads of a block meet at barriers in different lines\n", launch.kernel->name.c_str());
    }
  }
  e->running = nullptr;
  current = nullptr;
  sigaltstack(&earlier, nullptr);
  std::lock_guard<std::mutex> lock(idleMutex);
  idle.push_back(std::move(own));
}

}  // namespace

std::string run(const Launch &launch) {
  catchFaults();
  auto start = std::chrono::steady_clock::now();
  unsigned number = ++launchCount;
  std::vector<void *> parameters;
  for (const auto &p : launch.parameters) parameters.push_back((void *) p.data());
  size_t count = (size_t) launch.grid.x * launch.grid.y * launch.grid.z;
  std::vector<unsigned> blocks(count);
  for (size_t i = 0; i < count; i++) blocks[i] = (unsigned) i;
  static const std::string order = setting("STANDIN_ORDER");
  if (order == "reverse") std::reverse(blocks.begin(), blocks.end());
  if (order.rfind("shuffle", 0) == 0) {
    uint64_t random = number * 7919u + (uint64_t) atol(order.substr(std::min<size_t>(8, order.size())).c_str());
    for (size_t i = count; i > 1; i--) {
      random = random * 6364136223846793005ull + 1442695040888963407ull;
      std::swap(blocks[i - 1], blocks[(random >> 33) % i]);
    }
  }
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::string failure;
  std::mutex mutex;
  static const long threads = std::max(1L, standin::number("STANDIN_THREADS", 1));
  // Cells of global memory belong to one thread of the host.
  static const bool alone = standin::number("STANDIN_RACES", 0) != 0;
  std::vector<std::thread> others;
  for (long i = 1; i < std::min<long>(alone ? 1 : threads, (long) count); i++) {
    others.emplace_back([&] { runBlocks(launch, parameters.data(), blocks, next, stop, number, failure, mutex); });
  }
  runBlocks(launch, parameters.data(), blocks, next, stop, number, failure, mutex);
  for (std::thread &t : others) t.join();
  if (failure.empty()) failure = damaged();
  Kernel &k = *launch.kernel;
  k.launches++;
  k.blocks += count;
  k.threads += count * launch.block.x * launch.block.y * launch.block.z;
  k.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return failure.empty() ? "" : k.name + ", " + failure;
}

}  // namespace standin
