import Artifacts
import Foundation
import TensorCore

/// Results recorded from the reference PyTorch code (folder `Goldens`).
public enum Goldens {
  /// Path of a recorded file, such as `golden-math.h5`.
  public static func path(_ file: String) -> String {
    let folder = Bundle.module.resourceURL ?? Bundle.module.bundleURL
    return folder.appendingPathComponent("Goldens").appendingPathComponent(file).path
  }

  /// A dataset of a recorded file. Throws `ArtifactError` where there is none.
  public static func array(_ file: String, _ name: String) throws -> HostArray {
    try HDF5File(reading: path(file)).read(name)
  }

  /// A dataset of a recorded file, rounded to Float.
  public static func tensor(_ file: String, _ name: String) throws -> Tensor {
    let array = try array(file, name)
    return Tensor(array.floats, Shape(array.shape))
  }
}
