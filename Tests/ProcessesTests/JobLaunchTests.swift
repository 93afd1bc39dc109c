import Testing

@testable import Processes

@Suite struct JobLaunchTests {
  private static let openMPI = [
    "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "1",
  ]
  private static let slurm = ["SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5", "SLURM_LOCALID": "2"]

  @Test func openMPIsLauncher() throws {
    let launch = try #require(JobLaunch(environment: Self.openMPI))
    #expect((launch.launcher, launch.size, launch.rank, launch.localRank) == ("mpirun", 4, 3, 1))
    #expect(launch.libraries.first == "libmpi.so.40")
  }

  @Test func mpichsLauncher() throws {
    let launch = try #require(
      JobLaunch(environment: ["PMI_SIZE": "2", "PMI_RANK": "1", "MPI_LOCALRANKID": "1"]))
    #expect((launch.launcher, launch.size, launch.rank, launch.localRank) == ("mpirun", 2, 1, 1))
    #expect(launch.libraries.first == "libmpi.so.12")
  }

  @Test func slurmsLauncher() throws {
    let launch = try #require(JobLaunch(environment: Self.slurm))
    #expect((launch.launcher, launch.size, launch.rank, launch.localRank) == ("srun", 8, 5, 2))
  }

  /// mpirun starts its helpers by srun, whose variables they hand on.
  @Test func mpirunWithinSlurm() throws {
    let launch = try #require(JobLaunch(environment: Self.slurm.merging(Self.openMPI) { $1 }))
    #expect((launch.launcher, launch.size, launch.rank) == ("mpirun", 4, 3))
    let mpich = try #require(
      JobLaunch(environment: Self.slurm.merging(["PMI_SIZE": "2", "PMI_RANK": "1", "HYDI_CONTROL_FD": "7"]) { $1 }))
    #expect((mpich.launcher, mpich.size, mpich.rank) == ("mpirun", 2, 1))
  }

  /// A batch script without srun, one process of mpirun, and none of them.
  @Test(arguments: [
    ["SLURM_NTASKS": "8", "SLURM_PROCID": "0"], ["OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"], [:],
  ])
  func aProcessAlone(environment: [String: String]) {
    #expect(JobLaunch(environment: environment) == nil)
  }

  @Test func errorsSayWhatToDo() {
    let missing = JobError.noLibrary(launcher: "mpirun", detail: "no MPI library is found")
    #expect("\(missing)".contains("apt install libopenmpi3"))
    #expect("\(JobError.alone(launcher: "srun", size: 8, family: "Open MPI"))".contains("--mpi=pmix"))
    #expect("\(JobError.alone(launcher: "mpirun", size: 2, family: "MPICH"))".contains("mpirun of the same MPI"))
  }
}
