package dev.weft.kernels.model.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFolderTest {
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path temp;
  private Path folder;

  private void shard(String file, String... tensors) throws IOException {
    var header = new StringBuilder("{");
    for (int i = 0; i < tensors.length; i++) {
      header
          .append(i == 0 ? "" : ",")
          .append("\"%s\":{\"dtype\":\"U8\",\"shape\":[1]".formatted(tensors[i]))
          .append(",\"data_offsets\":[%d,%d]}".formatted(i, i + 1));
    }
    Files.write(
        folder().resolve(file), SafetensorsFileTest.file(header.append("}") + "", tensors.length));
  }

  private Path folder() throws IOException {
    folder = Files.createDirectories(temp.resolve("model"));
    return folder;
  }

  private void index(String... tensorsAndFiles) throws IOException {
    var map = new StringBuilder();
    for (int i = 0; i < tensorsAndFiles.length; i += 2) {
      map.append(i == 0 ? "" : ",")
          .append("\"%s\":\"%s\"".formatted(tensorsAndFiles[i], tensorsAndFiles[i + 1]));
    }
    Files.writeString(
        folder().resolve("model.safetensors.index.json"),
        "{\"metadata\":{\"total_size\":3},\"weight_map\":{" + map + "}}");
  }

  private void refused(String... parts) {
    assertThatThrownBy(() -> SafetensorsFolder.open(folder).close())
        .isInstanceOf(ModelFormatException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts))
        .hasMessageContaining(folder.toString());
  }

  @Test
  void aShardThatTheLocaleCannotNameIsRefused() throws IOException {
    // Without a UTF-8 locale (as in a bare container) asking the system for it throws.
    index("a", "gr\u00f6\u00dfe-\u6f22.safetensors");
    assertThatThrownBy(() -> SafetensorsFolder.files(folder))
        .isInstanceOf(ModelFormatException.class);
  }

  @Test
  void readsShards() throws IOException {
    shard(FIRST, "a", "b");
    shard(SECOND, "c");
    index("a", FIRST, "b", FIRST, "c", SECOND);
    try (SafetensorsFolder open = SafetensorsFolder.open(folder)) {
      assertThat(open.tensors()).extracting(SafetensorsTensor::name).containsExactly("a", "b", "c");
      assertThat(open.fileOf(open.tensor("c").orElseThrow())).isEqualTo(folder.resolve(SECOND));
      assertThat(open.data(open.tensor("b").orElseThrow()).byteSize()).isEqualTo(1);
      assertThat(open.tensor("d")).isEmpty();
      assertThat(open.files()).hasSize(3);
    }
  }

  @Test
  void prefersTheSingleFileAndTakesTheOnlyOne() throws IOException {
    shard("weights.safetensors", "w");
    try (SafetensorsFolder open = SafetensorsFolder.open(folder)) {
      assertThat(open.tensor("w")).isPresent();
    }
    shard("model.safetensors", "m");
    try (SafetensorsFolder open = SafetensorsFolder.open(folder)) {
      assertThat(open.tensors()).extracting(SafetensorsTensor::name).containsExactly("m");
    }
  }

  @Test
  void refusesFoldersWithoutOneModel() throws IOException {
    folder();
    refused("has no *.safetensors file");
    Files.createFile(folder.resolve("pytorch_model.bin"));
    refused("Pickled weights");
    shard("x.safetensors", "x");
    shard("y.safetensors", "y");
    refused("has 2 *.safetensors files, but no model.safetensors.index.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../secret.safetensors",
        "/etc/secret.safetensors",
        "sub/secret.safetensors",
        "sub\\\\secret.safetensors",
        "C:secret.safetensors",
        ".safetensors",
        "..",
        "",
        "secret.bin",
        "nul\\u0000.safetensors",
        "half\\ud800.safetensors"
      })
  void refusesNamesThatAreNotPlain(String name) throws IOException {
    Files.createDirectories(folder().resolve("sub"));
    shard("../secret.safetensors", "x");
    shard("sub/secret.safetensors", "x");
    index("x", name);
    refused("which is no plain *.safetensors name");
  }

  @Test
  void refusesLinksOutOfTheFolder() throws IOException {
    shard("../secret.safetensors", "x");
    Files.createSymbolicLink(folder.resolve(FIRST), temp.resolve("secret.safetensors"));
    index("x", FIRST);
    refused(FIRST + " is a link that leads out of the folder");
  }

  @Test
  void followsLinksInsideTheFolderAndInTheCacheOfTheHub() throws IOException {
    shard("inner.safetensors", "x");
    Files.createSymbolicLink(folder.resolve("model.safetensors"), Path.of("inner.safetensors"));
    SafetensorsFolder.open(folder).close();

    Path snapshot = Files.createDirectories(temp.resolve("hub/snapshots/0123abcd"));
    Path blob = Files.createDirectories(temp.resolve("hub/blobs")).resolve("feed");
    Files.copy(folder.resolve("inner.safetensors"), blob);
    Files.createSymbolicLink(snapshot.resolve("model.safetensors"), Path.of("../../blobs/feed"));
    SafetensorsFolder.open(snapshot).close();
  }

  @Test
  void refusesWhatIsNoRegularFile() throws IOException {
    Files.createDirectories(folder().resolve("model.safetensors"));
    refused("model.safetensors is no regular file");
  }

  @Test
  void refusesIndexesThatDoNotFitTheShards() throws IOException {
    shard(FIRST, "a");
    shard(SECOND, "b");
    index("a", FIRST, "b", SECOND, "c", SECOND);
    refused("tensor c is not in " + SECOND + ", where the index says it is");
    index("a", FIRST, "b", FIRST);
    refused("tensor b is not in " + FIRST);
    shard(SECOND, "b", "extra");
    index("a", FIRST, "b", SECOND);
    refused("tensor extra of " + SECOND + " is not in the index");
    shard(SECOND, "b", "a");
    refused("tensor a is in " + FIRST + " and in " + SECOND);
    index("a", FIRST, "b", "model-00003-of-00002.safetensors");
    refused("names the file model-00003-of-00002.safetensors, which is not there");
    index("a", FIRST, "a", SECOND);
    refused("key weight_map.a occurs twice");
    index();
    refused("weight_map is empty");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "{}",
        "{\"weight_map\":[]}",
        "{\"weight_map\":{\"a\":1}}",
        "{\"weight_map\":{\"a\":{}}}",
        "not json"
      })
  void refusesIndexesOfAnotherForm(String json) throws IOException {
    Files.writeString(folder().resolve("model.safetensors.index.json"), json);
    assertThatThrownBy(() -> SafetensorsFolder.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("model.safetensors.index.json");
  }
}
