package dev.weft.kernels.model;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.safetensors.SafetensorsFolder;
import dev.weft.kernels.tokenizer.huggingface.FolderTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A folder as transformers saves a model: {@code config.json}, weights in safetensors, and, where
 * it has one, the tokenizer.
 */
public final class HuggingFaceFolder {
  private static final String CONFIG = "config.json";
  private static final long MAX_CONFIG_BYTES = 1 << 22;
  private static final String SINGLE = "model.safetensors";
  private static final Set<String> SMALL_FILES =
      Set.of(
          CONFIG,
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "added_tokens.json",
          "tokenizer.model",
          "chat_template.jinja",
          "model.safetensors.index.json");

  /**
   * Buffers that are computed from the configuration, saved by old versions of transformers; and an
   * output matrix that is not used.
   */
  private static boolean isIgnored(TransformerSpec spec, String tensor) {
    return tensor.endsWith(".rotary_emb.inv_freq")
        || spec.tiedOutput() && tensor.equals(TensorNames.HUGGING_FACE.output() + ".weight");
  }

  private HuggingFaceFolder() {}

  /** Of the names of all files of a folder, those that make the model, in order. */
  public static List<String> files(Collection<String> names) {
    boolean single = names.contains(SINGLE);
    return names.stream()
        .filter(
            name ->
                SMALL_FILES.contains(name)
                    || (single ? name.equals(SINGLE) : name.endsWith(".safetensors")))
        .sorted()
        .toList();
  }

  /**
   * The files of a folder that make the model, in the order of their names.
   *
   * @throws ModelFormatException if one is no regular file or a link that leads out of the folder
   */
  public static List<Path> files(Path folder) throws IOException {
    List<String> names;
    try (Stream<Path> files = Files.list(folder)) {
      names = files.map(f -> f.getFileName().toString()).toList();
    }
    var files = new ArrayList<Path>();
    for (String name : files(names)) {
      files.add(SafetensorsFolder.inside(folder, folder.resolve(name)));
    }
    return files;
  }

  /** Opens and checks the model of a folder. */
  static Model open(Path folder) throws IOException {
    if (!Files.exists(folder.resolve(CONFIG))) {
      throw new ModelFormatException(
          "the folder has no " + CONFIG,
          folder.toString(),
          "Give a GGUF file, or a Hugging Face folder with " + CONFIG + " and safetensors.");
    }
    List<Path> files = files(folder);
    JsonObject config = JsonObject.read(folder.resolve(CONFIG), MAX_CONFIG_BYTES);
    var shape = new ConfigSpec(config);
    TransformerSpec spec = shape.spec();
    var store = new WeightStore.Safetensors(folder, SafetensorsFolder.open(folder));
    try {
      var tensors = new TensorSource(store);
      ModelWeights weights =
          new WeightReader(shape.architecture(), spec, TensorNames.HUGGING_FACE, tensors).read();
      tensors.requireAllTaken(spec.architecture(), name -> isIgnored(spec, name));
      FolderTokenizer tokenizer = FolderTokenizer.open(folder, config, spec.vocabSize());
      return new Model(
          store,
          files,
          name(folder),
          spec,
          weights,
          tokenizer.tokenizer(),
          tokenizer.chatTemplate());
    } catch (Throwable e) {
      store.close();
      throw e;
    }
  }

  /** The name of the folder; in the cache of the Hugging Face hub that of the repository. */
  private static String name(Path folder) {
    Path whole = folder.toAbsolutePath().normalize();
    Path snapshots = whole.getParent();
    if (snapshots != null && snapshots.endsWith("snapshots") && snapshots.getParent() != null) {
      Path repository = snapshots.getParent().getFileName();
      if (repository != null && repository.toString().startsWith("models--")) {
        return repository.toString().substring("models--".length()).replace("--", "/");
      }
    }
    return String.valueOf(whole.getFileName());
  }
}
