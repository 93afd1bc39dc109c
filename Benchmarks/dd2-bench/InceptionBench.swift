import ArgumentParser
import Artifacts
import FIDEval
import Foundation
import TensorCore

/// `dd2-bench inception`: Inception-V3's features and a Frechet distance, on request.
struct InceptionBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inception", abstract: "Time Inception-V3 and the Frechet distance for inception.py.",
    discussion: """
      Reads `images` (B, 299, 299, 3) and `mu_1`, `sigma_1`, `mu_2`, `sigma_2` from the input, writes their `features` \
      and `distance` to the output, then answers each line of standard input, `features`, `frechet` or `backend`, with \
      seconds or the backend in words.
      """)

  @Argument(help: "Inception-V3's weights.") var weights: String
  @Argument(help: "Images and statistics (HDF5).") var input: String
  @Argument(help: "Where to write the results (HDF5).") var output: String

  func run() throws {
    try Backends.start()
    let file = try HDF5File(reading: input)
    let bytes = try file.read("images")
    let images = Tensor(bytes.floats.map { $0 / 127.5 - 1 }, Shape(bytes.shape))
    let inception = InceptionV3(weights: try InceptionFile.read(weights), protocol: .pytorchFID)
    let statistics = try (1...2).map { index in
      try FeatureStatistics(
        count: nil, mean: try file.read("mu_\(index)").doubles, covariance: try file.read("sigma_\(index)").doubles,
        provenance: nil)
    }
    let features = inception.features(of: images)
    let writer = try HDF5Writer(path: output)
    try writer.write(HostArray(shape: features.shape.dimensions, features.elements), to: "features")
    try writer.write(HostArray(try frechetDistance(statistics[0], statistics[1])), to: "distance")
    try writer.finish()
    Bench.answer("ready")
    let clock = ContinuousClock()
    while let line = readLine() {
      switch line {
      case "features": Bench.answer("\(clock.measure { _ = inception.features(of: images) } / .seconds(1))")
      case "frechet":
        Bench.answer("\(try clock.measure { _ = try frechetDistance(statistics[0], statistics[1]) } / .seconds(1))")
      case "backend": Bench.answer(Backends.current.summary)
      default: throw ValidationError("'\(line)': expected features, frechet or backend")
      }
    }
  }
}
