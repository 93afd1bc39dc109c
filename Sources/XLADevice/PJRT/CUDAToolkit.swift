import Foundation

/// NVIDIA's assembler and device library, which the CUDA plugin takes to compile. They come as packages beside the plugin's.
enum CUDAToolkit {
  /// Tells XLA where they are, unless its options in the environment do. Called before the plugin is opened, which reads them
  /// once.
  static func use(besidePlugin path: String) {
    let flag = "--xla_gpu_cuda_data_dir"
    let flags = getenv("XLA_FLAGS").map { String(cString: $0) } ?? ""
    let packages = path.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    // Of CUDA 13 and of CUDA 12.
    let folders = ["cu13", "cuda_nvcc"].map { "\(packages)/nvidia/\($0)" }
    guard !flags.contains(flag), let folder = folders.first(where: { access($0 + "/bin/ptxas", X_OK) == 0 }) else {
      return
    }
    setenv("XLA_FLAGS", flags + (flags.isEmpty ? "" : " ") + "\(flag)=\"\(folder)\"", 1)
  }
}
