package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.config.Nearest;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Unmatched;

/**
 * {@code weft bench}. This module knows no benchmark: jars on the class path name theirs in {@value
 * #REGISTRY}, one {@code name = class with a main method} each, and {@code name.about = one
 * sentence}.
 */
@Command(
    name = "bench",
    description =
        "Measures speed; each number stands beside a limit or a peer measured in the same run.",
    footerHeading = "%nExamples:%n",
    footer = {"  weft bench", "  weft bench kernels --out kernels.jsonl"})
final class BenchCommand implements Callable<Integer> {
  static final String REGISTRY = "META-INF/weft/benchmarks.properties";
  private static final String ABOUT = ".about";

  private final Terminal terminal;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "NAME",
      description = "Which one; without a name, all are listed.")
  private String name;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Append the results to this file, one JSON object per line.")
  private String out;

  @Unmatched private List<String> others = new ArrayList<>();

  BenchCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    Map<String, String> known = registry();
    if (name == null) {
      list(known);
      return ExitCode.OK.number();
    }
    String type = name.endsWith(ABOUT) ? null : known.get(name);
    if (type == null) {
      throw new ConfigException(
          "there is no benchmark %s%s; `weft bench` lists them"
              .formatted(name, Nearest.hint(name, names(known))));
    }
    List<String> arguments = new ArrayList<>();
    if (out != null) {
      arguments.addAll(List.of("--out", out));
    }
    arguments.addAll(others);
    start(type, arguments);
    return ExitCode.OK.number();
  }

  private void start(String type, List<String> arguments) throws Exception {
    try {
      Class.forName(type)
          .getMethod("main", String[].class)
          .invoke(null, (Object) arguments.toArray(String[]::new));
    } catch (ClassNotFoundException | NoSuchMethodException e) {
      throw new ConfigException(
          "benchmark %s names the class %s, which cannot be started; build again with `./weft build`"
              .formatted(name, type),
          e);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof IllegalArgumentException wrong) {
        throw new ConfigException("benchmark %s: %s".formatted(name, wrong.getMessage()), wrong);
      }
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }

  private void list(Map<String, String> known) {
    if (known.isEmpty()) {
      terminal
          .out()
          .println("No benchmarks on the class path; the weft script of a checkout brings them.");
    }
    for (String each : names(known)) {
      terminal.out().printf("  %-16s %s%n", each, known.getOrDefault(each + ABOUT, ""));
    }
  }

  private static List<String> names(Map<String, String> known) {
    return known.keySet().stream().filter(k -> !k.endsWith(ABOUT)).toList();
  }

  private static Map<String, String> registry() throws IOException {
    Map<String, String> known = new TreeMap<>();
    for (URL url : Collections.list(BenchCommand.class.getClassLoader().getResources(REGISTRY))) {
      Properties properties = new Properties();
      try (InputStream in = url.openStream()) {
        properties.load(in);
      }
      properties.stringPropertyNames().forEach(k -> known.put(k, properties.getProperty(k)));
    }
    return known;
  }
}
