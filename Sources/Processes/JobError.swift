/// Why a process cannot take part in the job that it was started for.
public enum JobError: Error, CustomStringConvertible, Sendable {
  /// There is no MPI library, or not a usable one.
  case noLibrary(launcher: String, detail: String)
  /// The MPI library does not see the other processes.
  case alone(launcher: String, size: Int, family: String)
  /// Another process does not answer.
  case lost(rank: Int, host: String, silence: Duration, place: String)
  /// An operation of the library failed.
  case failed(detail: String)

  /// One line: what, and what to do.
  public var description: String {
    switch self {
    case .noLibrary(let launcher, let detail):
      "\(launcher) started several processes, and \(detail); install Open MPI (Debian: apt install libopenmpi3) or load the "
        + "module of your cluster's MPI"
    case .alone("srun", let size, let family):
      "srun started \(size) processes, and \(family) says that this one is alone; add --mpi=pmix to srun (--mpi=pmi2 for "
        + "MPICH; 'srun --mpi=list' shows what there is), or use mpirun"
    case .alone(let launcher, let size, let family):
      "\(launcher) started \(size) processes, and the library of \(family) says that this one is alone; use the \(launcher) "
        + "of the same MPI"
    case .lost(let rank, let host, let silence, let place):
      "process \(rank) on \(host) has not answered for \(silence.components.seconds) s, it was last heard of at \(place); "
        + "what a run has saved is whole, and --resume goes on, with fewer processes too"
    case .failed(let detail): "MPI failed: \(detail)"
    }
  }
}
