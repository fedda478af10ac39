package dev.weft.jobs.secret;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          s3a://AKIA:hush/hush@bucket/in.jsonl cannot be read      | s3a://***@bucket/in.jsonl cannot be read
          ftp://me:hush@host/x and ftp://:hush@host/y              | ftp://***@host/x and ftp://***@host/y
          jdbc:postgresql://h/db?user=me&password=hush&ssl=true    | jdbc:postgresql://h/db?user=me&password=***&ssl=true
          jdbc:oracle:thin:me/hush@//host:1521/db                  | jdbc:oracle:thin:***@//host:1521/db
          https://a.blob.core.windows.net/c/f?sv=1&sig=hush%3D     | https://a.blob.core.windows.net/c/f?sv=1&sig=***
          https://b.s3.amazonaws.com/f?X-Amz-Signature=hush&x=1    | https://b.s3.amazonaws.com/f?X-Amz-Signature=***&x=1
          fs.s3a.secret.key=hush                                   | fs.s3a.secret.key=***
          "fs.s3a.access.key" : "hush"                             | "fs.s3a.access.key" : "***"
          spark.hadoop.fs.azure.account.key.a.dfs.net = hush, next | spark.hadoop.fs.azure.account.key.a.dfs.net = ***, next
          AWS_SESSION_TOKEN=hush ok                                | AWS_SESSION_TOKEN=*** ok
          """)
  void areHidden(String text, String clean) {
    assertThat(Secrets.hide(text)).isEqualTo(clean).doesNotContain("hush");
    assertThat(Secrets.hide(clean)).isEqualTo(clean);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "abfss://container@account.dfs.core.windows.net/in.parquet",
        "sampling.maxTokens: the run has 256, this start 128",
        "maxTokens=256, tokenizer: gpt2, token_ids: [1, 2], joulesPerToken=0.5",
        "Unexpected token: '}' at line 3",
        "hdfs://host:8020/user/me@example.org/in.jsonl",
        "file:///home/me/in.jsonl has 12 rows: 3 errors",
        "key=value, row_key: 5"
      })
  void whatIsNoSecretStays(String text) {
    assertThat(Secrets.hide(text)).isEqualTo(text);
  }

  @Test
  void settingsWithSecretNamesAreHiddenAsAWhole() {
    assertThat(
            Secrets.hide(
                Map.of("spark.ssl.keyPassword", "a b c", "engine.threads", "4", "x.token", "")))
        .containsEntry("spark.ssl.keyPassword", "***")
        .containsEntry("engine.threads", "4")
        .containsEntry("x.token", "");
  }

  /** A rule that hides what Weft itself is told would make reports useless. */
  @Test
  void noSettingOfWeftIsTakenForASecret() {
    Map<String, String> defaults = WeftConfig.defaults().entries();
    assertThat(Secrets.hide(defaults)).isEqualTo(defaults);
  }

  @Test
  void errorsHideThem() {
    WeftException error =
        new WeftException(ErrorCode.STORAGE_FAILED, "s3a://a:hush@bucket is lost", null);
    assertThat(error.getMessage()).doesNotContain("hush");
    assertThat(error.explained()).doesNotContain("hush");
  }
}
