package dev.weft.benchmarks.recovery;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A standalone Spark cluster of real processes on the loopback address, made to be killed: a
 * master, workers of one core that are started again, and what they start. The class path of this
 * process stands in for a Spark installation. {@link #close} ends every process.
 */
final class LocalCluster implements AutoCloseable {
  private static final String ADDRESS = "127.0.0.1";
  private static final String EXECUTOR = "CoarseGrainedExecutorBackend";

  /** As {@code conf/spark-defaults.conf}; these processes compute little and start often. */
  static final List<String> JVM_OPTIONS = options();

  private final Path home;
  private final Path logs;
  private final List<String> folders = new ArrayList<>();
  private final List<Process> started = new ArrayList<>();
  private final Process[] workers;
  private String master;
  private Path aotCache;

  LocalCluster(Path folder, int workerCount) throws IOException {
    home = folder.resolve("spark-home");
    logs = Files.createDirectories(folder.resolve("logs"));
    workers = new Process[workerCount];
    Path jars = Files.createDirectories(home.resolve("jars"));
    Files.createFile(home.resolve("RELEASE"));
    Files.createDirectories(home.resolve("conf"));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry).toAbsolutePath();
      if (Files.isDirectory(path)) {
        folders.add(path.toString());
      } else if (Files.exists(path)) {
        link(jars.resolve(path.getFileName()), path);
      }
    }
  }

  private static void link(Path link, Path target) throws IOException {
    try {
      Files.createSymbolicLink(link, target);
    } catch (FileAlreadyExistsException e) {
      // The same jar twice on the class path.
    }
  }

  /** Starts the master and all workers, and waits until they are there. */
  void start() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(ADDRESS))) {
      port = socket.getLocalPort();
    }
    master = "spark://" + ADDRESS + ":" + port;
    Process process =
        java(
            "master",
            "256m",
            // Executors are killed over and over: no application is given up for that.
            "-Dspark.deploy.maxExecutorRetries=-1",
            "-Dspark.ui.enabled=false",
            "org.apache.spark.deploy.master.Master",
            "--host",
            ADDRESS,
            "--port",
            "" + port,
            "--webui-port",
            "0");
    await("the master", process, () -> isOpen(port));
    for (int i = 0; i < workers.length; i++) {
      startWorker(i);
    }
  }

  /** URL of the master. */
  String master() {
    return master;
  }

  /** Whether JVMs can start from a cache of loaded classes, which takes nothing but jars. */
  boolean canCacheClasses() {
    return folders.isEmpty();
  }

  /** Lets all JVMs from now on start from a cache of loaded classes (JEP 483). */
  void cacheClasses(Path cache) {
    aotCache = cache;
  }

  /** JVM options of all processes. */
  List<String> jvmOptions() {
    List<String> options = new ArrayList<>(JVM_OPTIONS);
    options.add("-XX:+UseSerialGC");
    if (aotCache != null) {
      options.add("-XX:AOTCache=" + aotCache);
    }
    return options;
  }

  /** Class path entries that are no jars; executors need them named. */
  String classFolders() {
    return String.join(File.pathSeparator, folders);
  }

  /** Pids of executors that live now. */
  List<ProcessHandle> executors() {
    return ProcessHandle.current()
        .descendants()
        .filter(p -> p.info().commandLine().orElse("").contains(EXECUTOR))
        .toList();
  }

  /** The number that Spark gave an executor. */
  static String executorId(ProcessHandle executor) {
    String[] arguments = executor.info().arguments().orElse(new String[0]);
    int at = Arrays.asList(arguments).indexOf("--executor-id");
    return at < 0 ? "" : arguments[at + 1];
  }

  /** The process of a worker. */
  ProcessHandle worker(int index) {
    return workers[index].toHandle();
  }

  int workers() {
    return workers.length;
  }

  /** Starts workers that are gone. */
  void heal() throws Exception {
    for (int i = 0; i < workers.length; i++) {
      if (!workers[i].isAlive()) {
        startWorker(i);
      }
    }
  }

  /** In the order that Spark gives its executors, for the cache of classes. */
  private String classPath() throws IOException {
    List<String> entries = new ArrayList<>();
    entries.add(home.resolve("conf") + File.separator);
    try (Stream<Path> jars = Files.list(home.resolve("jars"))) {
      jars.filter(jar -> jar.getFileName().toString().startsWith("slf4j-api-"))
          .forEach(jar -> entries.add(jar.toString()));
    }
    entries.add(home.resolve("jars") + File.separator + "*");
    entries.addAll(folders);
    return String.join(File.pathSeparator, entries);
  }

  /** Starts a JVM with the class path of this process; output goes to a log file. */
  Process java(String name, String heap, String... arguments) throws IOException {
    return java(name, heap, ProcessBuilder.Redirect.to(log(name).toFile()), arguments);
  }

  /** The same with another place for what it prints; errors go to the log file. */
  Process java(String name, String heap, ProcessBuilder.Redirect out, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx" + heap, "-XX:TieredStopAtLevel=1"));
    command.addAll(jvmOptions());
    command.add("-cp");
    command.add(classPath());
    command.addAll(Arrays.asList(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(logs.toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(k -> k.startsWith("SPARK_") || k.startsWith("WEFT_"));
    environment.put("SPARK_HOME", home.toString());
    environment.put("SPARK_LOCAL_IP", ADDRESS);
    environment.put("SPARK_SCALA_VERSION", "2.13");
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    builder.redirectOutput(out);
    if (out.type() == ProcessBuilder.Redirect.Type.PIPE) {
      builder.redirectError(ProcessBuilder.Redirect.appendTo(log(name).toFile()));
    } else {
      builder.redirectErrorStream(true);
    }
    Process process = builder.start();
    started.removeIf(p -> !p.isAlive());
    started.add(process);
    return process;
  }

  Path log(String name) {
    return logs.resolve(name + ".log");
  }

  /** Whether the log of an executor holds this text. */
  boolean anExecutorSaid(String text) throws IOException {
    try (Stream<Path> files = Files.walk(logs)) {
      for (Path log : files.filter(f -> f.endsWith("stderr")).toList()) {
        if (Files.readString(log).contains(text)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Deletes what ended executors left behind; their folders fill a disk in hundreds of runs. */
  void deleteExecutorLogs() throws IOException {
    for (int i = 0; i < workers.length; i++) {
      Folders.deleteOld(logs.resolve("work-" + i), 60_000);
    }
  }

  private void startWorker(int index) throws Exception {
    String name = "worker-" + index;
    workers[index] =
        java(
            name,
            "192m",
            "-Dspark.worker.ui.retainedExecutors=10",
            "org.apache.spark.deploy.worker.Worker",
            "--host",
            ADDRESS,
            "--webui-port",
            "0",
            "--cores",
            "1",
            "--memory",
            "1g",
            "--work-dir",
            logs.resolve("work-" + index).toString(),
            master);
    await(
        name,
        workers[index],
        () -> Files.readString(log(name)).contains("Successfully registered with master"));
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private void await(String what, Process process, Condition condition) throws Exception {
    for (int i = 0; i < 600; i++) {
      if (condition.holds()) {
        return;
      }
      if (!process.isAlive()) {
        throw new IOException(what + " ended with " + process.exitValue() + "; see " + logs);
      }
      Thread.sleep(100);
    }
    throw new IOException(what + " did not come up within 60 s; see " + logs);
  }

  private static boolean isOpen(int port) {
    try (Socket socket = new Socket(ADDRESS, port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  /** Ends all processes and those that they started, stopped ones too. */
  @Override
  public void close() {
    for (Process process : started.reversed()) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    executors().forEach(ProcessHandle::destroyForcibly);
  }

  private static List<String> options() {
    List<String> options =
        new ArrayList<>(
            List.of(
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0",
                "-Dio.netty.tryReflectionSetAccessible=true",
                "-XX:+IgnoreUnrecognizedVMOptions"));
    Stream.of(
            "java.lang",
            "java.lang.invoke",
            "java.lang.reflect",
            "java.io",
            "java.net",
            "java.nio",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "jdk.internal.ref",
            "sun.nio.ch",
            "sun.nio.cs",
            "sun.util.calendar")
        .forEach(p -> options.add("--add-opens=java.base/" + p + "=ALL-UNNAMED"));
    return List.copyOf(options);
  }
}
