package dev.weft.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The same JVM options stand in the pom, the weft script and conf/spark-defaults.conf. */
class LaunchFilesTest {
  private static final Path ROOT = Path.of(System.getProperty("weft.project.root"));
  private static final Pattern PACKAGE =
      Pattern.compile("\\b(?:java|jdk\\.internal|sun)\\.[a-z.]*[a-z]");

  private static TreeSet<String> opened(String text) {
    TreeSet<String> packages = new TreeSet<>();
    Matcher matcher = Pattern.compile("--add-opens=java.base/([a-z.]+)=ALL-UNNAMED").matcher(text);
    while (matcher.find()) {
      packages.add(matcher.group(1));
    }
    return packages;
  }

  @Test
  void scriptPomAndSparkDefaultsOpenTheSamePackages() throws IOException {
    TreeSet<String> pom = opened(Files.readString(ROOT.resolve("pom.xml")));
    Properties spark = new Properties();
    try (var in = Files.newBufferedReader(ROOT.resolve("conf/spark-defaults.conf"))) {
      spark.load(in);
    }
    String script = Files.readString(ROOT.resolve("weft"));
    Matcher loop = Pattern.compile("for package in ([^;]*);").matcher(script);
    assertThat(loop.find()).isTrue();
    TreeSet<String> inScript = new TreeSet<>();
    Matcher names = PACKAGE.matcher(loop.group(1));
    while (names.find()) {
      inScript.add(names.group());
    }
    assertThat(pom).hasSizeGreaterThan(10);
    assertThat(opened(spark.getProperty("spark.driver.extraJavaOptions"))).isEqualTo(pom);
    assertThat(inScript).isEqualTo(pom);
    for (String option :
        new String[] {
          "--add-modules=jdk.incubator.vector",
          "--enable-native-access=ALL-UNNAMED",
          "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0"
        }) {
      assertThat(script).contains(option);
      assertThat(spark.getProperty("spark.executor.extraJavaOptions")).contains(option);
      assertThat(spark.getProperty("spark.driver.extraJavaOptions")).contains(option);
      assertThat(Files.readString(ROOT.resolve("pom.xml"))).contains(option);
    }
  }
}
