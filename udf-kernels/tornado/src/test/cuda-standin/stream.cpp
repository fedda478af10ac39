#include "stream.h"

#include <cstdio>
#include <cstring>

#include "memory.h"
#include "settings.h"

namespace standin {

std::recursive_mutex mutex;
std::set<Stream *> streams;
Stream common;
std::map<CUevent, std::shared_ptr<Event>> events;
std::vector<std::unique_ptr<Module>> modules;
CUresult sticky = CUDA_SUCCESS;
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

Stream *streamOf(CUstream s) {
  if (s == nullptr || s == CU_STREAM_LEGACY || s == CU_STREAM_PER_THREAD) return &common;
  return streams.count((Stream *) s) ? (Stream *) s : nullptr;
}

namespace {

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

}  // namespace

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

}  // namespace standin
