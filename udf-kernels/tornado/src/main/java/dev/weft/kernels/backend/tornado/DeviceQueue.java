package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.memory.MemoryBudgetException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Operations that wait for the device. Those in a row, such as an attention block, are the calls of
 * a program; what changes from call to call (rows, places, layers, page tables) is in one array of
 * integers that goes to the device once for all waiting operations. So the same program runs for
 * every layer and every step, and a model needs a handful of them.
 *
 * <p>A plan cannot get another program or a larger array later; when one is needed, the plan is
 * made anew and what kernels wrote is brought over through the host. That takes seconds, and
 * happens while the first steps of a model run.
 *
 * <p>When the device fails, the calls that waited are gone, as a step is that fails; what the host
 * put is not, since nobody would put it again.
 */
final class DeviceQueue implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceQueue.class);

  /**
   * More than a block of a model has. What is longer, as the products of a calibration, is cut into
   * equal programs: every task is compiled for itself, the same kernel or not.
   */
  private static final int MOST_TASKS = 16;

  /** What waits. */
  private sealed interface Waiting {}

  /** Calls that are one program. */
  private record Block(List<Task.Call> calls) implements Waiting {
    boolean isFull() {
      return calls.size() == MOST_TASKS || !calls.isEmpty() && calls.getLast().last();
    }

    List<Task> tasks() {
      return calls.stream().map(Task.Call::task).toList();
    }
  }

  private record Put(DeviceArray array, int at, Object data, int from, int count)
      implements Waiting {}

  private final TornadoDevice device;
  private final DevicePlan.Launcher launcher;
  private final Launching launching;
  private final DeviceFaults faults;
  private final List<DeviceArray> arrays = new ArrayList<>();
  private final CommonArrays common;
  private final List<Waiting> waiting = new ArrayList<>();

  /** All that have been needed so far, in the order of their first use. */
  private final Set<List<Task>> programs = new LinkedHashSet<>();

  private final Set<DeviceArray> puts = new LinkedHashSet<>();
  private IntArray step = new IntArray(1 << 14);
  private int[] ints = new int[1 << 12];
  private int intCount;

  /** Null before the first one, and when an array has to grow. */
  private DevicePlan plan;

  /** Whether the plan lacks a program or an array, or has one too many. */
  private boolean stale = true;

  private int plansMade;
  private long kernelsRun;
  private int generation;

  DeviceQueue(
      TornadoDevice device, int arenaElements, DevicePlan.Launcher launcher, Launching launching) {
    this.device = device;
    this.launcher = launcher;
    this.launching = launching;
    faults = new DeviceFaults(device.getPhysicalDevice().getDeviceName().strip());
    common =
        CommonArrays.of(
            array("arena", true, true, arenaElements),
            array("vectors", true, false, 1 << 16),
            array("tables", true, false, DeviceFormat.TABLE_SIZE),
            array("halves", false, false, 1),
            array("none.i", false, false, 1),
            array("none.f", true, false, 1),
            array("none.s", true, false, 1));
    DeviceArray tables = common.tables();
    put(tables, tables.take(DeviceFormat.TABLE_SIZE), DeviceFormat.tables());
  }

  // --- Arrays ----------------------------------------------------------------------------------

  DeviceArray arena() {
    return common.arena();
  }

  DeviceArray vectors() {
    return common.vectors();
  }

  DeviceArray halves() {
    return common.halves();
  }

  /** A new array on the device. */
  DeviceArray array(String name, boolean floats, boolean written, int size) {
    requireMemory(name, Ranges.aligned(size));
    var array = new DeviceArray(name, floats, written, size);
    arrays.add(array);
    stale = true;
    return array;
  }

  /** Refuses before the host or the device is out of memory, with the numbers. */
  void requireMemory(String what, long moreElements) {
    long bytes = Float.BYTES * moreElements;
    for (DeviceArray array : arrays) {
      bytes += (long) Float.BYTES * array.size();
    }
    if (bytes > device.getMaxGlobalMemory()) {
      throw new MemoryBudgetException(
          "%s has %,d MiB of memory, and with %s (%,d MiB) the engine needs %,d MiB: take a smaller engine.kvBytes or model, or engine.kvFormat f16"
              .formatted(
                  faults.device(),
                  device.getMaxGlobalMemory() >> 20,
                  what,
                  moreElements * Float.BYTES >> 20,
                  bytes >> 20));
    }
  }

  void remove(DeviceArray array) {
    try {
      flush();
    } finally {
      waiting.removeIf(w -> w instanceof Put put && put.array() == array);
      arrays.remove(array);
      puts.remove(array);
      programs.removeIf(tasks -> tasks.stream().anyMatch(t -> t.uses(array)));
      stale = true;
    }
  }

  /**
   * Takes a part of an array.
   *
   * @return where it begins
   */
  int take(DeviceArray array, int count) {
    if (!array.has(count)) {
      requireMemory(array.name(), Math.max(array.size(), Ranges.aligned(count)));
      // What waits was made for the array as it is.
      flush();
      endPlan();
    }
    return array.take(count);
  }

  /** Changes a part of an array after what waits is done. */
  void put(DeviceArray array, int at, float[] data) {
    put(array, at, data, data.length);
  }

  void put(DeviceArray array, int at, int[] data) {
    put(array, at, data, data.length);
  }

  private void put(DeviceArray array, int at, Object data, int count) {
    if (!array.isWritten()) {
      if (data instanceof float[] floats) {
        array.putHost(at, floats, 0, count);
      } else {
        array.putHost(at, (int[]) data, 0, count);
      }
      if (stale || plan == null) {
        // The next plan brings the whole array.
        return;
      }
    }
    for (int from = 0; from < count; from += CommonArrays.STAGE) {
      int part = Math.min(CommonArrays.STAGE, count - from);
      waiting.add(new Put(array, at + from, data, from, part));
    }
  }

  /** Reads a part of an array that kernels write. */
  void read(DeviceArray array, int at, float[] data, int to, int count) {
    flush();
    if (plan != null) {
      faults.named(() -> plan.bring(array, at, count));
    }
    array.getHost(at, data, to, count);
  }

  // --- Operations ------------------------------------------------------------------------------

  /**
   * Integers for the waiting operations.
   *
   * @return where they will be in {@code step}
   */
  int integers(int[] data, int count) {
    if (intCount + count > ints.length) {
      ints = Arrays.copyOf(ints, Math.max(ints.length * 2, intCount + count));
    }
    System.arraycopy(data, 0, ints, intCount, count);
    intCount += count;
    return intCount - count;
  }

  /** Kernels that operations had run so far; each costs a launch. */
  long kernelsRun() {
    return kernelsRun;
  }

  /** Another number after each flush: what {@link #integers} gave before is of no use then. */
  int generation() {
    return generation;
  }

  /**
   * Adds a call of a kernel.
   *
   * @param parameters copied, less the last two
   * @param groupsX items side by side
   * @param groupsY rows of those
   * @param last whether a program may end here, as after a block of a model
   */
  void call(Task task, int[] parameters, int groupsX, int groupsY, boolean last) {
    if (waiting.isEmpty() || !(waiting.getLast() instanceof Block b) || b.isFull()) {
      waiting.add(new Block(new ArrayList<>()));
    }
    int[] own = Arrays.copyOf(parameters, Kernel.PARAMETERS);
    own[Kernel.GROUPS_X] = groupsX;
    own[Kernel.GROUPS_Y] = groupsY;
    ((Block) waiting.getLast()).calls.add(new Task.Call(task, own, last));
  }

  /** What was called last, if nothing else came after it; its parameters may still be changed. */
  Task.Call lastCall() {
    return !waiting.isEmpty() && waiting.getLast() instanceof Block block
        ? block.calls.getLast()
        : null;
  }

  /** A program may end with what waits now. */
  void endProgram() {
    if (!waiting.isEmpty() && waiting.getLast() instanceof Block block) {
      block.calls.set(block.calls.size() - 1, block.calls.getLast().asLast());
    }
  }

  /**
   * Runs all that waits.
   *
   * @throws MemoryBudgetException if the device is out of memory
   * @throws DeviceException if it fails otherwise
   */
  void flush() {
    generation++;
    List<Waiting> work = List.copyOf(waiting);
    waiting.clear();
    boolean done = false;
    try {
      if (!work.isEmpty()) {
        faults.named(() -> run(programs(work)));
      }
      done = true;
    } finally {
      intCount = 0;
      if (!done) {
        keepFromFaults(work);
      }
    }
  }

  /** Values of the host, and zeros of new activations, must reach the device whatever happens. */
  private void keepFromFaults(List<Waiting> work) {
    for (Waiting w : work) {
      if (w instanceof Block block) {
        for (Task.Call call : block.calls) {
          if (call.task().kernel() == Kernel.ZERO) {
            waiting.add(new Block(new ArrayList<>(List.of(call))));
          }
        }
      } else {
        waiting.add(w);
      }
    }
  }

  /** The blocks that wait in longer ones, where that pays. */
  private List<Waiting> programs(List<Waiting> work) {
    if (launching.mostTasks() == 0) {
      return work;
    }
    var programs = new ArrayList<Waiting>();
    var blocks = new ArrayList<Block>();
    for (Waiting w : work) {
      if (w instanceof Block block) {
        blocks.add(block);
      } else {
        addPrograms(blocks, programs);
        programs.add(w);
      }
    }
    addPrograms(blocks, programs);
    return programs;
  }

  private void addPrograms(List<Block> blocks, List<Waiting> programs) {
    List<List<Task>> tasks = blocks.stream().map(Block::tasks).toList();
    int first = 0;
    for (int length : LongPrograms.lengths(tasks, List::size, launching.mostTasks())) {
      var calls = new ArrayList<Task.Call>();
      blocks.subList(first, first + length).forEach(block -> calls.addAll(block.calls));
      programs.add(new Block(calls));
      first += length;
    }
    blocks.clear();
  }

  private void run(List<Waiting> work) {
    int[] begins = new int[work.size()];
    for (int i = 0; i < begins.length; i++) {
      begins[i] = intCount;
      switch (work.get(i)) {
        case Block block -> {
          stale |= programs.add(block.tasks());
          block.calls.forEach(call -> integers(call.parameters(), Kernel.PARAMETERS));
        }
        case Put put -> stale |= puts.add(put.array);
      }
    }
    if (intCount > step.getSize()) {
      step = new IntArray(Integer.highestOneBit(intCount) * 2);
      stale = true;
    }
    if (stale || plan == null) {
      makePlan();
    }
    MemorySegment.copy(ints, 0, step.getSegment(), ValueLayout.JAVA_INT, 0, intCount);
    plan.bringStep();
    for (int i = 0; i < begins.length; i++) {
      switch (work.get(i)) {
        case Block block -> {
          plan.run(block.calls, begins[i]);
          kernelsRun += block.calls.size();
        }
        case Put put -> plan.put(put.array, put.at, put.data, put.from, put.count);
      }
    }
  }

  // --- Plans -----------------------------------------------------------------------------------

  private void makePlan() {
    long start = System.nanoTime();
    endPlan();
    stale = true;
    plan = new DevicePlan(device, launcher, launching, common, step, arrays, programs, puts);
    plan.start();
    stale = false;
    plansMade++;
    LOG.info(
        "device plan {}{}: {} programs, {} arrays, {} ms before the first of them is compiled",
        plansMade,
        launching.cudaGraphs() ? " of CUDA graphs" : "",
        plan.programs(),
        arrays.size(),
        (System.nanoTime() - start) / 1_000_000);
  }

  /** Ends the plan after what kernels wrote is on the host. */
  private void endPlan() {
    if (plan == null) {
      return;
    }
    faults.named(
        () -> {
          for (DeviceArray array : arrays) {
            if (array.isWritten()) {
              plan.bring(array, 0, array.size());
            }
          }
        });
    closePlan();
  }

  private void closePlan() {
    DevicePlan closed = plan;
    plan = null;
    faults.named(closed::close);
  }

  @Override
  public void close() {
    waiting.clear();
    try {
      if (plan != null) {
        closePlan();
      }
    } finally {
      long bytes = arrays.stream().mapToLong(a -> 4L * a.size()).sum();
      arrays.forEach(DeviceArray::close);
      DeviceArray.collect(bytes);
    }
  }
}
