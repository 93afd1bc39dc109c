import ArgumentParser
import Foundation
import TensorCore
import Training

/// A command that multiplies matrices. What that takes is loaded before it runs, for an error instead of an end midway;
/// the others need less memory.
protocol ComputingCommand: ParsableCommand {
  /// Where it computes.
  var computing: DeviceOptions { get }
}

/// The root command. Results go to stdout; progress, logs and the one line of an error go to stderr.
@main
struct DD2: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dd2",
    abstract: "One-step distillation of auto-regressive image models (Distilled Decoding 2).",
    discussion: """
      Results are printed to standard output, progress to standard error. Exit codes follow sysexits(3): 0 done, \
      64 usage, 65 bad data, 66 missing input, 69 unavailable, 70 internal, 73 can't create, 74 I/O, \
      130 interrupted. DD2_LOG=warning hides progress; DD2_THREADS sets the number of threads (default: as many as the \
      process may use cores). ~/ at the beginning of a path is the home folder, also behind =.
      """,
    version: DD2Version.full,
    subcommands: [
      Distill.self, Presets.self, Sample.self, Export.self, FID.self, RefCommand.self, Evaluate.self,
      TeacherCommand.self, DataCommand.self, Weights.self, Report.self, RunsCommand.self, Doctor.self,
      DeviceCommand.self,
    ])

  /// Parses, runs, and turns whatever is thrown into one line and an exit code.
  static func main() {
    keepStandardStreams()
    // A closed pipe must end neither a training run whose log is no longer read nor print a crash.
    signal(SIGPIPE, SIG_IGN)
    // A file as large as it may be is an error of writing (EFBIG), not a sudden end.
    signal(SIGXFSZ, SIG_IGN)
    MemoryShortage.end { line in
      // A Ctrl-C at a terminal reaches the programs too that a plugin starts to compile.
      let isInterrupted = Interrupts.isRaised && Interrupts.isCompiling
      ErrorReport.endAtOnce(
        isInterrupted ? CommandFailure(.interrupted, "interrupted; \(line)") : CommandFailure(.unavailable, line))
    }
    do {
      try Job.join()
      Interrupts.listen()
      var command = try parse(Arguments.words)
      do {
        try Log.checkLevel()
        try checkThreads()
        if let command = command as? any ComputingCommand {
          try command.computing.start(trains: (type(of: command) as? any SpreadCommand.Type)?.trains ?? false)
        }
        try Job.share(command)
        try command.run()
      } catch let error as ValidationError {
        // The parser would point to the help of dd2 as a whole.
        throw CommandFailure(.usage, error.message)
      }
      Job.leave()
    } catch {
      Job.end(ErrorReport(error))
    }
  }

  /// Takes the places of standard streams that are closed, as under some daemons: the next file to be opened would get
  /// the number, and with it what is printed. Writing results still fails.
  private static func keepStandardStreams() {
    for (stream, flags) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(stream, F_GETFD) < 0 {
      _ = open("/dev/null", flags)
    }
  }

  /// The command that words ask for.
  /// - Throws: `CommandFailure` for words that are empty or unknown, and what the parser and the command refuse.
  private static func parse(_ words: [String]) throws -> any ParsableCommand {
    try CommandWords.check(words)
    do {
      return try parseAsRoot(words)
    } catch {
      guard exitCode(for: error).rawValue == ExitStatus.usage.rawValue else { throw error }
      let better =
        UnknownWord(in: words, of: DD2.self)?.description ?? UnknownValue(ErrorReport(error).text)?.description
      throw better.map { CommandFailure(.usage, $0) } ?? error
    }
  }

  /// Refuses a number of threads that is none.
  /// - Throws: `CommandFailure`.
  private static func checkThreads() throws {
    guard let text = ProcessInfo.processInfo.environment[ThreadPool.variable], !text.isEmpty else { return }
    guard let count = Int(text), (1...ThreadPool.mostThreads).contains(count) else {
      throw CommandFailure(
        .usage, "\(ThreadPool.variable) is '\(text)'; give a number from 1 to \(ThreadPool.mostThreads), or unset it")
    }
  }
}
