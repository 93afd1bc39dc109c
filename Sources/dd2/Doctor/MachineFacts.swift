/// What `dd2 doctor` judges: gathered by `survey()`, made up in tests.
struct MachineFacts {
  /// OpenBLAS as it is loaded.
  struct BLAS {
    /// The kernel set, such as `SkylakeX`.
    let core: String
    /// How it was built, beginning with its version.
    let configuration: String
    /// Of a matrix product on all threads, in GFLOP/s.
    let rate: Double
  }

  /// A file that should be there, with the hash that it should have.
  struct Model {
    let name: String
    /// Where it is; nil where it is missing.
    let path: String?
    /// Why it cannot be used, and what to do.
    let problem: String?
  }

  /// Room for files.
  struct Disk {
    let name: String
    let path: String
    let freeBytes: Int
    let isWritable: Bool
  }

  /// Name and version of the program.
  var version: String
  /// The processor's name and those of its features that matter, as Linux writes them.
  var processor: String
  var features: [String]
  var environment: [String: String]

  /// Cores of the machine, those that affinity allows, what control groups allow, and the threads in use.
  var onlineCores: Int
  var affinityCores: Int
  var quotaCores: Int?
  var threads: Int

  /// nil where it cannot be loaded, for `blasProblem`.
  var blas: BLAS?
  var blasProblem: String?

  /// Bytes: the machine's, what is free now, what control groups and `ulimit -v` allow.
  var memory: Int
  var availableMemory: Int
  var memoryLimit: Int?
  var addressLimit: Int?

  var devices: [DeviceReport]
  /// Devices whose driver is loaded.
  var drivers: [Device]
  var mpiLibraries: [String]
  /// Which of `mpirun`, `srun` and `curl` are found.
  var programs: [String]
  var libraries: [(name: String, version: String)]

  var models: [Model]
  /// Fetched weights: those that are there.
  var weightsFolder: String
  var weights: [Model]
  var disks: [Disk]
  /// Columns of the terminal that progress is shown on; nil for none.
  var terminalColumns: Int?
}
