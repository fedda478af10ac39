package dev.weft.jobs;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitCallTarget;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Which module may know which, as docs/architecture.md says. */
class ArchitectureTest {
  private static final String BATCHING = "dev.weft.batching..";
  private static final String DATASETS = "dev.weft.datasets..";
  private static final String KERNELS = "dev.weft.kernels..";
  private static final String JOBS = "dev.weft.jobs..";
  private static final String[] JDK = {"java..", "javax..", "jdk.."};

  private static final JavaClasses WEFT =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.weft");

  private static final List<ArchRule> RULES =
      List.of(
          classes()
              .that()
              .resideInAPackage(BATCHING)
              .should()
              .onlyDependOnClassesThat()
              .resideInAnyPackage(and(JDK, BATCHING)),
          classes()
              .that()
              .resideInAPackage(DATASETS)
              .should()
              .onlyDependOnClassesThat()
              .resideInAnyPackage(and(JDK, DATASETS, "com.fasterxml.jackson..")),
          noClasses()
              .that()
              .resideInAPackage(KERNELS)
              .should()
              .dependOnClassesThat()
              .resideInAnyPackage(JOBS, DATASETS, "com.fasterxml.jackson.databind.."),
          noClasses()
              .that()
              .resideOutsideOfPackage(JOBS)
              .should()
              .dependOnClassesThat()
              .resideInAnyPackage(
                  "org.apache.spark..", "org.apache.hadoop..", "io.delta..", "scala.."),
          noClasses()
              .that()
              .resideOutsideOfPackage("dev.weft.kernels.backend.tornado..")
              .should()
              .dependOnClassesThat()
              .resideInAnyPackage("uk.ac.manchester.tornado.."),
          noClasses().should().dependOnClassesThat().resideInAnyPackage("dev.weft.benchmarks.."),
          noClasses()
              .that()
              .resideOutsideOfPackage("dev.weft.jobs.cli..")
              .should()
              .dependOnClassesThat()
              .resideInAPackage("picocli.."),
          noClasses()
              .that()
              .resideOutsideOfPackage("dev.weft.jobs.config..")
              .should()
              .dependOnClassesThat()
              .resideInAPackage("com.typesafe.config.."),
          // A setting that is read somewhere else is one that nobody finds.
          noClasses()
              .that()
              // The GPU backend checks how TornadoVM was started.
              .resideOutsideOfPackages(
                  "dev.weft.jobs.config..",
                  "dev.weft.jobs.doctor..",
                  "dev.weft.kernels.backend.tornado..")
              .should()
              .callMethodWhere(
                  target(
                      describe(
                          "System.getProperty of a weft.* or user setting",
                          (CodeUnitCallTarget t) ->
                              t.getOwner().isEquivalentTo(System.class)
                                  && List.of("getProperty", "getProperties")
                                      .contains(t.getName()))))
              .orShould()
              .callMethod(Integer.class, "getInteger", String.class)
              .orShould()
              .callMethod(Long.class, "getLong", String.class)
              .orShould()
              .callMethod(Boolean.class, "getBoolean", String.class),
          noClasses()
              .that()
              // The generators of datasets are programs of their own.
              .resideOutsideOfPackages("dev.weft.jobs.cli..", "dev.weft.datasets..")
              .and()
              .doNotHaveFullyQualifiedName("dev.weft.jobs.infer.ExecutorExit")
              .should()
              .callMethod(System.class, "exit", int.class)
              .orShould()
              .callMethod(System.class, "getenv", String.class)
              .orShould()
              .callMethod(System.class, "getenv"),
          slices().matching("dev.weft.batching.(**)").should().beFreeOfCycles(),
          slices().matching("dev.weft.datasets.(**)").should().beFreeOfCycles(),
          // The one error of all readers of a model file stands beside the model.
          slices()
              .matching("dev.weft.kernels.(**)")
              .should()
              .beFreeOfCycles()
              .ignoreDependency(
                  DescribedPredicate.alwaysTrue(), nameMatching(".*\\.ModelFormatException")),
          slices().matching("dev.weft.jobs.(**)").should().beFreeOfCycles());

  @TestFactory
  List<DynamicTest> dependenciesPointOneWay() {
    return RULES.stream()
        .map(rule -> rule.allowEmptyShould(true))
        .map(rule -> DynamicTest.dynamicTest(rule.getDescription(), () -> rule.check(WEFT)))
        .toList();
  }

  @Test
  void everyModuleIsLookedAt() {
    assertThat(WEFT.stream().map(c -> c.getPackageName().split("\\.")[2]).distinct())
        .contains("batching", "datasets", "kernels", "jobs");
  }

  @Test
  void theGpuBackendIsLookedAtWhereItIsBuilt() {
    String sdk = System.getenv("TORNADOVM_HOME");
    assumeTrue(sdk != null && !sdk.isEmpty(), "skipped: TORNADOVM_HOME is not set");
    assertThat(WEFT).anyMatch(c -> c.getPackageName().equals("dev.weft.kernels.backend.tornado"));
  }

  private static String[] and(String[] first, String... second) {
    String[] all = new String[first.length + second.length];
    System.arraycopy(first, 0, all, 0, first.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }
}
