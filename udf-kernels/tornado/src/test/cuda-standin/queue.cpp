// A libcuda whose device is the processor: streams, events and graphs.
#include <algorithm>

#include "stream.h"

using namespace standin;

extern "C" {

// --- Streams and events -----------------------------------------------------------------------------------------------------------

CUresult cuStreamCreate(CUstream *stream, unsigned) {
  BEGIN
  Stream *s = new Stream;
  streams.insert(s);
  *stream = (CUstream) s;
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy(CUstream stream) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  STREAM(s, stream)
  if (s == &common) return CUDA_ERROR_INVALID_HANDLE;
  flush(s, s->put);
  streams.erase(s);
  delete s;
  return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream) {
  BEGIN
  STREAM(s, stream)
  if (s->capturing) {
    s->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  waits++;
  if (tracing()) say("wait for a stream");
  flush(s, s->put);
  return sticky;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  BEGIN
  STREAM(s, stream)
  auto found = events.find(event);
  if (found == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  const std::shared_ptr<Event> &e = found->second;
  if (!e->recorded) return CUDA_SUCCESS;
  if (s->capturing) return e->captured ? CUDA_SUCCESS : CUDA_SUCCESS;
  if (e->captured) return CUDA_ERROR_CAPTURED_EVENT;
  Operation o = {};
  o.kind = Kind::WAIT;
  o.event = e;
  o.until = e->waitsFor;
  return put(s, std::move(o));
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  BEGIN
  auto e = std::make_shared<Event>();
  e->timed = !(flags & CU_EVENT_DISABLE_TIMING);
  *event = (CUevent) e.get();
  events[*event] = std::move(e);
  eventsMade++;
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return events.erase(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  BEGIN
  STREAM(s, stream)
  auto found = events.find(event);
  if (found == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  Event &e = *found->second;
  e.recorded = true;
  e.captured = s->capturing;
  e.stream = s;
  if (s->capturing) return CUDA_SUCCESS;
  Operation o = {};
  o.kind = Kind::RECORD;
  o.event = found->second;
  CUresult r = put(s, std::move(o));
  e.waitsFor = s->put;
  return r;
}

static CUresult reached(CUevent event) {
  auto found = events.find(event);
  if (found == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  Event &e = *found->second;
  if (e.captured) return CUDA_ERROR_CAPTURED_EVENT;
  if (e.recorded && (e.stream == &common || streams.count(e.stream))) flush(e.stream, e.waitsFor);
  return sticky;
}

CUresult cuEventQuery(CUevent event) {
  BEGIN NOT_WHILE_CAPTURING
  return reached(event);
}

CUresult cuEventSynchronize(CUevent event) {
  BEGIN NOT_WHILE_CAPTURING
  waits++;
  if (tracing()) say("wait for an event");
  return reached(event);
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent from, CUevent to) {
  BEGIN
  auto a = events.find(from), b = events.find(to);
  if (a == events.end() || b == events.end()) return CUDA_ERROR_INVALID_HANDLE;
  if (!a->second->timed || !b->second->timed || !a->second->recorded || !b->second->recorded) return CUDA_ERROR_INVALID_HANDLE;
  if (a->second->captured || b->second->captured) return CUDA_ERROR_CAPTURED_EVENT;
  *milliseconds = std::chrono::duration<float, std::milli>(b->second->when - a->second->when).count();
  return CUDA_SUCCESS;
}

// --- Graphs -----------------------------------------------------------------------------------------------------------------------

namespace {
std::map<CUgraph, std::shared_ptr<Graph>> graphs;
std::map<CUgraphExec, std::shared_ptr<Graph>> executables;
}  // namespace

CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode mode) {
  BEGIN
  STREAM(s, stream)
  if (s == &common) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (s->capturing) return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  s->capturing = true;
  s->invalid = false;
  s->mode = mode;
  s->graph = std::make_shared<Graph>();
  return CUDA_SUCCESS;
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status) {
  BEGIN
  STREAM(s, stream)
  *status = !s->capturing ? CU_STREAM_CAPTURE_STATUS_NONE : s->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  BEGIN
  STREAM(s, stream)
  *graph = nullptr;
  if (!s->capturing) return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  s->capturing = false;
  if (s->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  *graph = (CUgraph) s->graph.get();
  graphs[*graph] = std::move(s->graph);
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long) {
  BEGIN
  auto found = graphs.find(graph);
  if (found == graphs.end()) return CUDA_ERROR_INVALID_VALUE;
  auto copy = std::make_shared<Graph>(*found->second);
  *executable = (CUgraphExec) copy.get();
  executables[*executable] = std::move(copy);
  graphsMade++;
  return CUDA_SUCCESS;
}

CUresult cuGraphExecUpdate(CUgraphExec executable, CUgraph graph, CUgraphExecUpdateResultInfo *info) {
  BEGIN
  auto e = executables.find(executable);
  auto g = graphs.find(graph);
  if (e == executables.end() || g == graphs.end()) return CUDA_ERROR_INVALID_VALUE;
  const auto &old = e->second->operations, &now = g->second->operations;
  bool same = old.size() == now.size();
  for (size_t i = 0; same && i < old.size(); i++) same = old[i].kind == now[i].kind;
  info->result = same ? CU_GRAPH_EXEC_UPDATE_SUCCESS : CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  if (!same) return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
  // What waits in a stream keeps what it was put there with.
  e->second->operations = now;
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  BEGIN
  STREAM(s, stream)
  auto found = executables.find(executable);
  if (found == executables.end()) return CUDA_ERROR_INVALID_VALUE;
  graphLaunches++;
  Operation o = {};
  o.kind = Kind::GRAPH;
  o.graph = late() ? std::make_shared<Graph>(*found->second) : found->second;
  return put(s, std::move(o));
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return executables.erase(executable) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGraphDestroy(CUgraph graph) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return graphs.erase(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

}  // extern "C"
