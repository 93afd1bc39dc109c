import ArgumentParser
import Artifacts
import Datasets
import Foundation
import TensorCore

extension ImageCrop: ExpressibleByArgument {}

/// `dd2-bench images`: reading and cropping, for `scripts/image-references.py`.
struct ImageBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "images", abstract: "Read and crop the images of a folder.",
    discussion: "Prints images a second in batches of 64, or, with --output, writes each as NAME.png.")

  @Argument(help: "A folder of images.") var folder: String
  @Option(help: "How they are cropped; else they are as they are.") var crop: ImageCrop?
  @Option(help: "The side of what is cropped.") var side = 256
  @Option(help: "Where to write PNG files.") var output: String?

  func run() throws {
    if let output { return try write(to: output) }
    let images = try ImageFolder(folder, fit: crop.map { .cropped($0, side: side) } ?? .asTheyAre)
    let indices = Array(0..<images.count)
    let parts = stride(from: 0, to: images.count, by: 64).map { Array(indices[$0..<min($0 + 64, images.count)]) }
    let start = ContinuousClock.now
    let batches = images.batches(of: parts)
    while try batches.next() != nil {}
    Bench.answer(String(format: "%.1f", Double(images.count) / ((ContinuousClock.now - start) / .seconds(1))))
  }

  private func write(to output: String) throws {
    for name in try FileAccess.names(in: folder) {
      let image = try RGBImage.read("\(folder)/\(name)")
      try (crop?.cropped(image, side: side) ?? image).write("\(output)/\(name).png")
    }
  }
}
