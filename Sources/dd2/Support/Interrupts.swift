import Dispatch
import Distillation
import Foundation

/// SIGINT and SIGTERM while a command can stop cleanly: the first asks it to, the second ends the process at once.
final class Interrupts {
  /// Raised by the first signal.
  let flag = InterruptFlag()
  private let sources: [any DispatchSourceSignal]

  /// Listens from now on.
  init() {
    let queue = DispatchQueue(label: "dd2.signals")
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: queue)
    }
    for source in sources {
      source.setEventHandler { [flag] in
        if flag.isRaised { _exit(ExitStatus.interrupted.rawValue) }
        Log.warning("stopping cleanly; once more to stop at once")
        flag.raise()
      }
      source.resume()
    }
  }

  /// Ends work between two pieces of it that leave nothing half done.
  /// - Throws: `CommandFailure` once a signal has come.
  func check(_ progress: @autoclosure () -> String) throws {
    guard flag.isRaised else { return }
    throw CommandFailure(.interrupted, "interrupted after \(progress()); run the command again to start over")
  }
}
