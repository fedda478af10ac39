package dev.weft.jobs.cli;

import dev.weft.jobs.config.BuildInfo;
import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.config.Nearest;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.report.TerminalReport;
import dev.weft.jobs.secret.Secrets;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program. {@code weft} starts it, and so does {@code spark-submit}. */
@Command(
    name = "weft",
    description = "Runs a language model over tables of requests, offline, on Apache Spark.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      RunCommand.class,
      ResumeCommand.class,
      PlanCommand.class,
      RunsCommand.class,
      StatusCommand.class,
      PartialCommand.class,
      CleanCommand.class,
      DemoCommand.class,
      BenchCommand.class,
      DoctorCommand.class,
      ConfigCommand.class
    },
    versionProvider = Main.Version.class,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft demo",
      "  weft doctor",
      "  weft plan --input requests.jsonl --model model.gguf",
      "  weft run  --input requests.jsonl --model model.gguf --output results/",
      "",
      "`weft COMMAND --help` shows the options and examples of a command."
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  private boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  private boolean version;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Show the stack trace of an error.")
  private boolean debug;

  public static void main(String[] arguments) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    int code = execute(out, err, arguments);
    out.flush();
    err.flush();
    // Non-daemon threads of libraries must not keep a finished program alive.
    System.exit(code);
  }

  /** Runs one command and returns its exit code. */
  static int execute(PrintStream out, PrintStream err, String... arguments) {
    Main main = new Main();
    CommandLine line =
        new CommandLine(main, new CommandFactory(new Terminal(out, err, System.getenv())));
    line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setAbbreviatedSubcommandsAllowed(false);
    line.setUsageHelpWidth(110);
    line.setParameterExceptionHandler((e, args) -> badUsage(e));
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> failed(e, command.getErr(), main.debug));
    return line.execute(arguments);
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  private static int badUsage(ParameterException e) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("error: " + Secrets.hide(TerminalReport.oneLine(e.getMessage())) + suggestion(e));
    err.println("  `" + command.getCommandSpec().qualifiedName() + " --help` shows what it takes");
    return ExitCode.USAGE.number();
  }

  private static String suggestion(ParameterException e) {
    if (!(e instanceof UnmatchedArgumentException unmatched)
        || unmatched.getUnmatched().isEmpty()) {
      return "";
    }
    String given = unmatched.getUnmatched().getFirst();
    CommandLine command = e.getCommandLine();
    return Nearest.hint(
        given,
        given.startsWith("-")
            ? command.getCommandSpec().optionsMap().keySet()
            : command.getSubcommands().keySet());
  }

  private static int failed(Exception e, PrintWriter err, boolean debug) {
    switch (WeftException.within(e)) {
      case WeftException weft -> err.println("error: " + weft.explained());
      case ConfigException config -> err.println("error: " + Secrets.hide(config.getMessage()));
      default -> {
        err.println("error: " + Secrets.hide(TerminalReport.oneLine(String.valueOf(rootOf(e)))));
        err.println(
            "  This is not foreseen. `--debug` shows where it came from; starting the same run"
                + " again continues it.");
      }
    }
    if (debug) {
      StringWriter trace = new StringWriter();
      e.printStackTrace(new PrintWriter(trace));
      err.println(Secrets.hide(trace.toString().strip()));
    }
    return ExitCode.of(e).number();
  }

  private static Throwable rootOf(Throwable e) {
    return e.getCause() == null || e.getCause() == e ? e : rootOf(e.getCause());
  }

  /** Version, commit and Java for {@code --version}. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "weft " + BuildInfo.version() + " (commit " + BuildInfo.commit() + ")",
        "Java " + Runtime.version()
      };
    }
  }
}
