import ArgumentParser
import Artifacts
import Backbone
import DD2Teacher
import Datasets
import FIDEval
import Foundation
import NN
import Processes
import Sampling
import TeacherModels
import TensorCore
import Training
import XLADevice

/// Exit codes, after sysexits(3).
enum ExitStatus: Int32 {
  case done = 0
  case usage = 64
  case badData = 65
  case missingInput = 66
  case unavailable = 69
  case internalError = 70
  case cannotCreate = 73
  case inputOutput = 74
  case interrupted = 130
}

/// An error that knows the exit code it ends a command with; its description is one line: what, where, what to do.
protocol ExitCoded: Error, CustomStringConvertible {
  var exitCode: Int32 { get }
}

/// An error of the command line itself.
struct CommandFailure: ExitCoded {
  let status: ExitStatus
  let description: String

  init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }

  var exitCode: Int32 { status.rawValue }
}

extension ArtifactError: ExitCoded {}
extension DatasetError: ExitCoded {}
extension FIDError: ExitCoded {}
extension SettingsError: ExitCoded { var exitCode: Int32 { ExitStatus.usage.rawValue } }
extension StateDictError: ExitCoded { var exitCode: Int32 { ExitStatus.badData.rawValue } }
extension TeacherImportError: ExitCoded { var exitCode: Int32 { ExitStatus.usage.rawValue } }
extension PartCountError: ExitCoded { var exitCode: Int32 { ExitStatus.usage.rawValue } }
extension UnevenBatch: ExitCoded { var exitCode: Int32 { ExitStatus.usage.rawValue } }
extension FewStepError: ExitCoded { var exitCode: Int32 { ExitStatus.usage.rawValue } }
extension NonFiniteOutput: ExitCoded { var exitCode: Int32 { ExitStatus.badData.rawValue } }
extension PJRTError: ExitCoded {}
extension JobError: ExitCoded { var exitCode: Int32 { ExitStatus.unavailable.rawValue } }
extension ReplicasDiffer: ExitCoded { var exitCode: Int32 { ExitStatus.internalError.rawValue } }
extension BackendUnavailable: ExitCoded { var exitCode: Int32 { ExitStatus.unavailable.rawValue } }
extension RunInterrupted: ExitCoded { var exitCode: Int32 { ExitStatus.interrupted.rawValue } }
extension FolderNotShared: ExitCoded { var exitCode: Int32 { ExitStatus.cannotCreate.rawValue } }
extension NonFiniteStep: ExitCoded { var exitCode: Int32 { ExitStatus.internalError.rawValue } }

/// How a thrown error is shown: one line on stderr and an exit code, or, for `--help` and `--version`, text on stdout.
struct ErrorReport {
  /// The exit code.
  let code: Int32
  /// What is shown.
  let text: String

  /// The report of an error of any type.
  init(_ error: any Error) {
    if let known = error as? any ExitCoded {
      self.init(code: known.exitCode, text: known.description)
      return
    }
    // 0 for help and version, 64 for what ArgumentParser or `validate()` refused, 1 for errors it does not know.
    let parsed = DD2.exitCode(for: error).rawValue
    switch parsed {
    case ExitStatus.done.rawValue:
      self.init(code: parsed, text: DD2.fullMessage(for: error))
    case ExitStatus.usage.rawValue:
      self.init(code: parsed, text: DD2.message(for: error) + Self.hint(DD2.fullMessage(for: error)))
    default:
      self.init(
        code: ExitStatus.internalError.rawValue, text: "unexpected error (\(error)); please report it")
    }
  }

  private init(code: Int32, text: String) {
    self.code = code
    self.text = text
  }

  /// Where help is, taken from ArgumentParser's own message of several lines.
  private static func hint(_ message: String) -> String {
    message.firstMatch(of: /See '(.+)' for more information/).map { " (see '\($0.1)')" } ?? ""
  }

  /// Shows the report and ends the process.
  func exit() -> Never {
    show()
    Foundation.exit(code)
  }

  /// Shows an error that comes in the middle of a kernel and ends the process as it is: libraries that clean up would
  /// not find what they expect.
  static func endAtOnce(_ error: CommandFailure) -> Never {
    if Console.isInteractive { Console.redraw("") }
    ErrorReport(error).show()
    Job.endAtOnce(status: error.exitCode)
    _exit(error.exitCode)
  }

  /// Whether a path may have led nowhere because it was relative to a folder that is gone.
  private var isFromNowhere: Bool {
    let codes: [ExitStatus] = [.missingInput, .cannotCreate, .inputOutput]
    return codes.contains { $0.rawValue == code } && FileAccess.currentFolder == nil
  }

  /// Prints it.
  /// - Parameter place: which process it is from, where there are several and that matters.
  func show(from place: String? = nil) {
    guard code != ExitStatus.done.rawValue else {
      try? Console.result(text)
      return
    }
    let line = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    Console.line(
      "dd2: " + (place.map { $0 + ": " } ?? "") + line.joined(separator: " ")
        + (isFromNowhere ? " (the working folder has been deleted)" : ""))
  }
}
