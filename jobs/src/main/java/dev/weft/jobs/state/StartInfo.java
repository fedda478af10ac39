package dev.weft.jobs.state;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/**
 * One start of a run: who works, or worked, on it.
 *
 * @param number 1 for the first
 * @param id unique among all starts ever
 * @param host name of the driver's host
 * @param machine names the boot and process namespace of that host; empty if they are not known
 * @param pid the driver's process
 * @param processStartedMillis when that process started, 0 if not known; a pid may be used again
 * @param startedAt ISO-8601 instant by the driver's clock, for people
 */
public record StartInfo(
    int number,
    String id,
    String host,
    String machine,
    long pid,
    long processStartedMillis,
    String startedAt) {
  private static final String HOST = hostName();
  private static final String MACHINE = thisMachine();

  /** A start of this process. */
  static StartInfo here(int number, String id, String startedAt) {
    ProcessHandle me = ProcessHandle.current();
    return new StartInfo(number, id, HOST, MACHINE, me.pid(), began(me), startedAt);
  }

  /** Whether only this machine can tell whether the process lives. */
  boolean isHere() {
    return !machine.isEmpty() && machine.equals(MACHINE);
  }

  /** Whether the process lives, if it {@link #isHere}. */
  boolean lives() {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .filter(p -> processStartedMillis == 0 || began(p) == processStartedMillis)
        .isPresent();
  }

  boolean isThisProcess() {
    return isHere() && pid == ProcessHandle.current().pid();
  }

  private static long began(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  /** Two containers may have one name and other processes: the kernel tells them apart. */
  private static String thisMachine() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip()
          + "/"
          + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
    } catch (IOException | UnsupportedOperationException e) {
      return "";
    }
  }
}
