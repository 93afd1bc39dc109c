import Foundation
import Processes
import Synchronization
import Training

/// The signals that ask the process to stop: a terminal's, those of `kill` and `timeout`, those that batch schedulers
/// send before they kill.
///
/// Work that keeps something for later, or leaves something behind, holds an `Interrupts` and stops where it can be
/// continued; all other work ends at once, as does clean stopping at a second Ctrl-C.
final class Interrupts {
  /// Raised by the first signal.
  let flag = Interrupts.flag

  private static let flag = InterruptFlag()
  private static let numbers = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU]
  /// Whether somebody looks at the flag.
  private static let isAwaited = Atomic<Bool>(false)
  /// When the first signal came, in nanoseconds of the monotonic clock; 0 before.
  private static let first = Atomic<UInt64>(0)
  private static let compiles = Atomic<Bool>(false)
  /// Whether a program is being compiled for a device: only its end, or the process's, stops that.
  static var isCompiling: Bool {
    get { compiles.load(ordering: .relaxed) }
    set { compiles.store(newValue, ordering: .relaxed) }
  }
  /// Whether a signal asked this process to stop.
  static var isRaised: Bool { flag.isRaised }
  /// Of the processes of a job the first one says that it stops.
  private static let speaks = ProcessGroup.current.isFirst
  /// Whether the log shows that the process is stopping.
  private static let showsNotice = speaks && Log.showsWarnings
  /// A second Ctrl-C that comes earlier is one of an impatient finger, or a wrapper's copy of the first.
  private static let patience: UInt64 = 1_000_000_000

  /// From now on the first signal raises the flag, which is looked at to the end of the process.
  init() { Self.isAwaited.store(true, ordering: .relaxed) }

  /// Writes a file in work that otherwise ends at once: a signal waits until nothing of it is half there.
  static func deferringSignals<Result>(_ body: () throws -> Result) rethrows -> Result {
    isAwaited.store(true, ordering: .relaxed)
    defer {
      isAwaited.store(false, ordering: .relaxed)
      if flag.isRaised { end("dd2: interrupted\n") }
    }
    return try body()
  }

  /// Handles the signals from now on. Those that are ignored when the process starts, as by `nohup`, stay ignored.
  static func listen() {
    // What the handler uses is made now: it must not take memory.
    _ = (flag.isRaised, isCompiling, speaks, showsNotice, Console.isInteractive)
    isAwaited.store(false, ordering: .relaxed)
    first.store(0, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { number, info, _ in
      Interrupts.receive(number, isTyped: info?.pointee.si_code == Interrupts.fromTerminal)
    }
    action.sa_flags = SA_SIGINFO | SA_RESTART
    sigemptyset(&action.sa_mask)
    for number in numbers { sigaddset(&action.sa_mask, number) }
    for number in numbers {
      var before = sigaction()
      sigaction(number, nil, &before)
      if unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) != ignored {
        sigaction(number, &action, nil)
      }
    }
    // Who starts a program from a thread that leaves signals to others hands that on.
    pthread_sigmask(SIG_UNBLOCK, &action.sa_mask, nil)
  }

  /// `SIG_IGN`, which C defines as a function's address.
  private static let ignored = 1
  /// `SI_KERNEL`, the sender of what is typed at the terminal; `kill` and `timeout` are processes.
  private static let fromTerminal: Int32 = 0x80

  /// In a signal handler: nothing here takes memory or a lock.
  private static func receive(_ number: Int32, isTyped: Bool) {
    guard isAwaited.load(ordering: .relaxed) else { end("dd2: interrupted\n") }
    let now = nanoseconds()
    let (isFirst, before) = first.compareExchange(expected: 0, desired: now, ordering: .relaxed)
    if isFirst {
      flag.raise()
      if showsNotice { Console.write(notice(number, isTyped: isTyped)) }
    } else if number == SIGINT, isTyped, now - before >= patience {
      end("dd2: interrupted at once; what was not saved is lost\n")
    }
  }

  private static func end(_ text: StaticString) -> Never {
    if speaks { Console.write(text) }
    _exit(ExitStatus.interrupted.rawValue)
  }

  private static func notice(_ number: Int32, isTyped: Bool) -> StaticString {
    switch number {
    case SIGINT where isTyped && isCompiling:
      "stopping cleanly after the compilation that has begun, which may take minutes; Ctrl-C again stops at once\n"
    case _ where isCompiling: "stopping cleanly after the compilation that has begun, which may take minutes\n"
    case SIGINT where isTyped: "stopping cleanly; Ctrl-C again stops at once\n"
    case SIGINT: "stopping cleanly on SIGINT\n"
    case SIGHUP: "stopping cleanly on SIGHUP\n"
    case SIGTERM: "stopping cleanly on SIGTERM\n"
    case SIGUSR1: "stopping cleanly on SIGUSR1\n"
    case SIGUSR2: "stopping cleanly on SIGUSR2\n"
    default: "stopping cleanly on SIGXCPU\n"
    }
  }

  private static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Ends work between two pieces of it that leave nothing half done.
  /// - Throws: `CommandFailure` once a signal has come.
  func check(_ progress: @autoclosure () -> String) throws {
    guard flag.isRaised else { return }
    throw CommandFailure(.interrupted, "interrupted after \(progress()); run the command again to start over")
  }
}
