package dev.weft.benchmarks.fuzz;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;

/** All targets by name. */
final class FuzzTargets {
  /** A target, and how often a case is made of it where the least often one gets 1. */
  private record Known(int share, Callable<FuzzTarget> open) {}

  private static final Map<String, Known> KNOWN = new LinkedHashMap<>();

  static {
    KNOWN.put("gguf", new Known(200, GgufTarget::new));
    KNOWN.put("tokenizer", new Known(300, TokenizerTarget::new));
    KNOWN.put("template", new Known(100, TemplateTarget::new));
    KNOWN.put("jsonl", new Known(250, JsonlTarget::new));
    KNOWN.put("safetensors", new Known(150, SafetensorsTarget::new));
    KNOWN.put("folder", new Known(50, FolderTarget::new));
    KNOWN.put("parquet", new Known(1, ParquetTarget::new));
  }

  private FuzzTargets() {}

  /** Names in the order in which they run. */
  static Iterable<String> names() {
    return KNOWN.keySet();
  }

  static int share(String name) {
    return KNOWN.containsKey(name) ? KNOWN.get(name).share() : 1;
  }

  /** Opens a target by its name, or by that of its class if it is not one of these. */
  static FuzzTarget open(String name) throws Exception {
    Known target = KNOWN.get(name);
    if (target != null) {
      return target.open().call();
    }
    try {
      return (FuzzTarget) Class.forName(name).getConstructor().newInstance();
    } catch (ReflectiveOperationException | ClassCastException e) {
      throw new IllegalArgumentException(
          "there is no input " + name + " to mutate; there are " + KNOWN.keySet(), e);
    }
  }
}
