import Foundation

/// What the environment tells of a job that this process belongs to.
public struct JobLaunch: Equatable, Sendable {
  /// The program that starts jobs: `mpirun` or `srun`.
  public let launcher: String
  /// Number of processes.
  public let size: Int
  /// This process's number.
  public let rank: Int
  /// This process's number among those of its host.
  public let localRank: Int
  /// Whether Open MPI's launcher says all this, or one that speaks as MPICH's does; nil for either.
  let isOpenMPI: Bool?

  /// Reads the environment; nil where no launcher started this process together with others.
  public init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    func launch(
      _ launcher: String, _ size: String, _ rank: String, _ localRank: String, isOpenMPI: Bool?
    ) -> JobLaunch? {
      guard let size = number(size), size > 1, let rank = number(rank) else { return nil }
      return JobLaunch(
        launcher: launcher, size: size, rank: rank, localRank: number(localRank) ?? 0, isOpenMPI: isOpenMPI)
    }
    // srun sets SLURM_STEP_NUM_TASKS; a batch script has the other variables too.
    let found =
      launch("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID", isOpenMPI: nil)
      .flatMap { environment["OMPI_COMM_WORLD_SIZE"] == nil && environment["HYDI_CONTROL_FD"] == nil ? $0 : nil }
      ?? launch(
        "mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", isOpenMPI: true)
      ?? launch("mpirun", "PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID", isOpenMPI: false)
    guard let found else { return nil }
    self = found
  }

  private init(launcher: String, size: Int, rank: Int, localRank: Int, isOpenMPI: Bool?) {
    (self.launcher, self.size, self.rank, self.localRank) = (launcher, size, rank, localRank)
    self.isOpenMPI = isOpenMPI
  }

  /// Files of MPI libraries to try, in this order. Those of version 12 are MPICH's and of all that follow it.
  var libraries: [String] {
    switch isOpenMPI {
    case true?: Self.openMPI + Self.development
    case false?: Self.mpich + Self.development
    case nil: Self.development + Self.openMPI + Self.mpich
    }
  }

  private static let (openMPI, development) = (["libmpi.so.40", "libmpi.so.80"], ["libmpi.so"])
  private static let mpich = ["libmpi.so.12", "libmpich.so.12", "libmpi_cray.so.12"]

  /// The MPI libraries that there are, by the names of their files.
  public static var installedLibraries: [String] {
    (openMPI + mpich + development).filter { name in
      guard let library = dlopen(name, RTLD_LAZY | RTLD_LOCAL) else { return false }
      dlclose(library)
      return true
    }
  }
}
