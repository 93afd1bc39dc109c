import ArgumentParser
import Foundation
import Processes
import Synchronization
import TensorCore
import XLADevice

extension KeyValues: KeyValueStore {}

/// A command that shares its work among the processes of a job.
protocol SpreadCommand: ComputingCommand {
  /// Whether it trains, for which devices have to add up gradients.
  static var trains: Bool { get }
}

extension SpreadCommand {
  static var trains: Bool { false }
}

/// The job of several processes that `mpirun` or `srun` has made this one a part of, if any.
enum Job {
  private static let joined = Mutex<MPIJob?>(nil)

  /// Where this process's devices stand among those of the job; nil for a process alone.
  static var place: (onHost: Int, job: PJRTJob)? {
    guard let job = joined.withLock({ $0 }), let launch = JobLaunch() else { return nil }
    return (launch.localRank, PJRTJob(node: job.rank, nodes: job.size, store: job.keyValues))
  }

  /// How long the others wait for the first process to say what all of them may have found.
  private static let deference: UInt32 = 3
  /// How long a process waits to be ended with its job before it ends itself.
  private static let grace: UInt32 = 10

  /// Joins the job.
  /// - Throws: `JobError`.
  static func join() throws {
    guard let launch = JobLaunch() else { return }
    let job = try MPIJob(launch, fail: lose)
    joined.withLock { $0 = job }
    ProcessGroup.join(ProcessGroup(job))
  }

  /// Makes the CPU backend one of the job's replicas. Called once the device is chosen.
  /// - Throws: `CommandFailure` where the command, or its device, works in one process alone.
  static func share(_ command: any ParsableCommand) throws {
    guard let job = joined.withLock({ $0 }) else { return }
    guard let command = command as? any SpreadCommand else {
      throw CommandFailure(.usage, "this command works in one process; run it without mpirun or srun")
    }
    Backends.cpu.join(job)
    if type(of: command).trains, Backends.current.replicas.count < job.size {
      throw CommandFailure(
        .usage,
        "\(Backends.current.summary) adds up gradients within one process alone; use --devices N in one process, or "
          + "--device cpu or cuda in several")
    }
  }

  /// How a job that Open MPI's mpirun has started is stopped with a checkpoint; nil for others.
  static var stopNote: String? {
    let environment = ProcessInfo.processInfo.environment
    guard environment["OMPI_COMM_WORLD_SIZE"] != nil, environment["OMPI_MCA_odls_base_sigkill_timeout"] == nil,
      joined.withLock({ $0 != nil })
    else { return nil }
    return "to stop with a checkpoint: kill -USR1 \(getppid()); Ctrl-C leaves the processes of mpirun one second"
  }

  /// Leaves the job when the work is done.
  static func leave() { joined.withLock { $0 }?.leave() }

  /// Ends the process, and where it failed, the job.
  static func end(_ report: ErrorReport) -> Never {
    let group = ProcessGroup.current
    guard let job = joined.withLock({ $0 }) else { report.exit() }
    if report.code == ExitStatus.done.rawValue || report.code == ExitStatus.interrupted.rawValue {
      job.leave()
      if group.isFirst { report.exit() }
      exit(report.code)
    }
    // What is wrong for all of them is said once: by the first, which ends the others meanwhile.
    if !group.isFirst { sleep(deference) }
    report.show(from: group.isFirst ? nil : "process \(group.rank) on \(group.host(of: group.rank))")
    end(job, status: report.code)
  }

  /// Ends all processes of the job at once.
  static func endAtOnce(status: Int32) {
    guard let job = joined.withLock({ $0 }) else { return }
    end(job, status: status)
  }

  private static func end(_ job: MPIJob, status: Int32) -> Never {
    job.end(status: status)
    sleep(grace)
    _exit(status)
  }

  /// Called on MPI's thread, which ends the job next.
  private static func lose(_ error: JobError) {
    let group = ProcessGroup.current
    ErrorReport(error).show(from: group.isFirst ? nil : "process \(group.rank) on \(group.host(of: group.rank))")
    // Where the launcher cannot be reached, nobody else ends this process.
    _ = SystemThread.start {
      sleep(grace)
      _exit(ExitStatus.unavailable.rawValue)
    }
  }
}
