package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the scripts make of an SDK of TornadoVM and of NVIDIA's tool; both are made up here. */
class GpuLaunchTest {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));
  private static final String VERSION = "5.2.0-jdk25";

  @TempDir Path folder;

  private record Ended(int code, String out, String err) {}

  private Ended run(Map<String, String> environment, String... command) throws Exception {
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(k -> k.matches("TORNADOVM_HOME|WEFT_.*|CUDA_.*"));
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  private Ended gpuArgs(Map<String, String> environment) throws Exception {
    return run(environment, ROOT.resolve("weft").toString(), "gpu-args");
  }

  /** The stock layout, with jars that must stay away from Spark. */
  private Path sdk(String name, String version, String... drivers) throws Exception {
    Path sdk = folder.resolve(name);
    List<String> files =
        new ArrayList<>(
            List.of(
                "share/java/tornado/tornado-api-" + version + ".jar",
                "share/java/tornado/tornado-runtime-" + version + ".jar",
                "share/java/tornado/tornado-annotation-" + version + ".jar",
                "share/java/tornado/tornado-drivers-common-" + version + ".jar",
                "share/java/tornado/tornado-unittests-" + version + ".jar",
                "share/java/tornado/asm-9.9.jar",
                "share/java/tornado/asm-tree-9.9.jar",
                "share/java/tornado/log4j-api-2.17.1.jar",
                "share/java/tornado/jackson-core-2.14.0.jar",
                "share/java/graalJars/compiler-25.0.2.jar",
                "etc/exportLists/common-exports"));
    for (String driver : drivers) {
      files.add("share/java/tornado/tornado-drivers-" + driver + "-" + version + ".jar");
      files.add("lib/libtornado-" + driver + ".so");
      files.add("etc/exportLists/" + driver + "-exports");
    }
    for (String file : files) {
      Files.createDirectories(sdk.resolve(file).getParent());
      Files.createFile(sdk.resolve(file));
    }
    return sdk;
  }

  @Test
  void theModulePathHoldsOnlyWhatTornadoNeeds() throws Exception {
    Path sdk = sdk("sdk", VERSION, "opencl");
    Ended printed = gpuArgs(Map.of("TORNADOVM_HOME", sdk.toString()));
    assertThat(printed.code()).as(printed.err()).isZero();
    assertThat(printed.out().lines()).hasSize(1);
    List<String> options = List.of(printed.out().strip().split(" "));
    String modules =
        options.stream().filter(o -> o.startsWith("--module-path=")).findFirst().orElseThrow();
    assertThat(modules)
        .contains("tornado-api-", "tornado-runtime-", "tornado-drivers-opencl-", "/asm-9.9.jar")
        .doesNotContain("log4j", "jackson", "unittests", "asm-tree");
    assertThat(options)
        .contains(
            "--add-modules=jdk.incubator.vector",
            "-Djava.library.path=" + sdk.resolve("lib"),
            "--upgrade-module-path=" + sdk.resolve("share/java/graalJars"),
            "@" + sdk.resolve("etc/exportLists/common-exports"),
            "@" + sdk.resolve("etc/exportLists/opencl-exports"));
    List<String> fixed =
        Files.readAllLines(ROOT.resolve("conf/tornado-jvm.args")).stream()
            .filter(line -> line.startsWith("-"))
            .toList();
    assertThat(fixed).contains("-Dtornado.recover.bailout=False");
    assertThat(options).containsAll(fixed);
    String pom = Files.readString(ROOT.resolve("udf-kernels/tornado/pom.xml"));
    assertThat(pom)
        .contains("<tornado.version>" + VERSION + "</tornado.version>")
        .contains("@${maven.multiModuleProjectDirectory}/conf/tornado-jvm.args ")
        .doesNotContain("-Dtornado.");
  }

  @Test
  void theDriverIsTheBestOfTheSdkUnlessOneIsNamed() throws Exception {
    String sdk = sdk("a folder", VERSION, "cuda", "opencl", "ptx").toString();
    assertThat(gpuArgs(Map.of("TORNADOVM_HOME", sdk)).out())
        .contains("tornado.drivers.cuda", "\"--upgrade-module-path=" + sdk)
        .doesNotContain("opencl");
    assertThat(gpuArgs(Map.of("TORNADOVM_HOME", sdk, "WEFT_TORNADO_DRIVER", "opencl")).out())
        .contains("tornado.drivers.opencl")
        .doesNotContain("cuda");
  }

  @Test
  void whatIsMissingIsNamed() throws Exception {
    assertThat(gpuArgs(Map.of()).err()).contains("TORNADOVM_HOME is not set");
    assertThat(refused(folder.resolve("nowhere")))
        .contains("holds no share/java/tornado/tornado-api-");
    assertThat(refused(sdk("old", "4.0.0-jdk21", "opencl")))
        .contains("holds tornado-api-4.0.0-jdk21; Weft needs " + VERSION);
    assertThat(refused(sdk("bare", VERSION))).contains("has no driver for cuda, ptx or opencl");
    Path torn = sdk("torn", VERSION, "cuda");
    Files.delete(torn.resolve("lib/libtornado-cuda.so"));
    assertThat(refused(torn)).contains("lacks lib/libtornado-cuda.so");
  }

  private String refused(Path sdk) throws Exception {
    Ended ended = gpuArgs(Map.of("TORNADOVM_HOME", sdk.toString()));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.err()).startsWith("error: TORNADOVM_HOME=" + sdk);
    return ended.err();
  }

  @Test
  void discoveryPrintsWhatSparkReads() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Path tool = bin.resolve("nvidia-smi");
    Files.writeString(tool, "#!/bin/sh\necho 0\necho 1\necho 2\n");
    Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
    String script = ROOT.resolve("conf/gpu-discovery.sh").toString();
    String path = bin + ":" + System.getenv("PATH");
    assertThat(run(Map.of("PATH", path), script).out())
        .isEqualTo("{\"name\": \"gpu\", \"addresses\": [\"0\", \"1\", \"2\"]}\n");
    assertThat(run(Map.of("PATH", path, "CUDA_VISIBLE_DEVICES", "2,1"), script).out())
        .isEqualTo("{\"name\": \"gpu\", \"addresses\": [\"0\", \"1\"]}\n");
    Files.writeString(tool, "#!/bin/sh\necho no driver\nexit 9\n");
    Ended failed = run(Map.of("PATH", path), script);
    assertThat(failed.code()).isEqualTo(1);
    assertThat(failed.err()).contains("nvidia-smi failed: no driver");
  }
}
