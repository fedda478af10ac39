package dev.weft.jobs.infer;

import java.nio.file.Path;

/** A task in a process of its own, which its poison ends. Arguments: folder of the run, start. */
final class LostTask {
  private LostTask() {}

  public static void main(String[] args) throws Exception {
    FaultyBackend.poison = TaskFixture.POISON;
    FaultyBackend.fault = FaultyBackend.Fault.END_PROCESS;
    TaskFixture.run(TaskFixture.spec("faulty", 2, 60), Path.of(args[0]), Integer.parseInt(args[1]));
  }
}
