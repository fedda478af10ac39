package dev.weft.benchmarks.process;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process holds.
 *
 * @param heapMib heap after a collection
 * @param residentMib resident memory; 0 where there is no {@code /proc}
 * @param directMib direct and mapped buffers
 * @param threads live threads
 * @param openFiles open file descriptors; 0 where the system does not tell
 */
public record ProcessState(
    double heapMib, double residentMib, double directMib, int threads, long openFiles) {
  private static final double MIB = 1 << 20;

  /** After collections, and the cleaners of buffers that run after them. */
  public static ProcessState now() throws IOException, InterruptedException {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(200);
    }
    double direct = 0;
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      direct += pool.getMemoryUsed() / MIB;
    }
    return new ProcessState(
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / MIB,
        residentKib() / 1024.0,
        direct,
        ManagementFactory.getThreadMXBean().getThreadCount(),
        ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
            ? unix.getOpenFileDescriptorCount()
            : 0);
  }

  private static long residentKib() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (Files.isReadable(status)) {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", ""));
        }
      }
    }
    return 0;
  }
}
