import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct MetricLogTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("metrics.jsonl")
  }

  private func append(_ steps: ClosedRange<Int>) throws {
    let log = try MetricLog(appendingTo: path)
    for step in steps { try log.append(step: step, values: [("loss", 1 / Double(step)), ("b", 1e-9)]) }
  }

  @Test func linesAreObjectsInTheGivenOrder() throws {
    let log = try MetricLog(appendingTo: path)
    try log.append(step: 3, values: [("z", 0.1), ("a/\"q\"\n", -1e300)])
    // Read while the log is still open: each line is in the file at once.
    let text = String(decoding: try contents(path), as: UTF8.self)
    #expect(text == #"{"step": 3, "z": 0.1, "a/\"q\"\u000a": -1e+300}"# + "\n")
    #expect(try MetricLog.read(path) == [["step": 3, "z": 0.1, "a/\"q\"\n": -1e300]])
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func nonFiniteValuesAreRefusedByName(_ value: Double) throws {
    let log = try MetricLog(appendingTo: path)
    let error = artifactError { try log.append(step: 1, values: [("fine", 1), ("loss", value)]) }
    #expect(error == .nonFinite(path: path, name: "loss", value: "\(value)"))
    #expect(try contents(path).isEmpty)
  }

  @Test func aHalfWrittenLastLineIsIgnoredAndThenRemoved() throws {
    try append(1...3)
    let whole = try contents(path)
    for cut in 1..<20 {
      try whole.dropLast(cut).write(to: URL(fileURLWithPath: path))
      #expect(try MetricLog.read(path).map { $0["step"] } == [1, 2])
    }
    try append(3...3)
    #expect(try contents(path) == whole)
  }

  @Test func damageBeforeTheEndIsAnErrorThatNamesTheLine() throws {
    try Data("{\"step\": 1}\n{\"step\": 2, \"lo\n{\"step\": 3}\n".utf8).write(to: URL(fileURLWithPath: path))
    let error = artifactError { _ = try MetricLog.read(path) }
    #expect(error?.description.contains("line 2") == true)
    #expect(name(of: error) == "corrupt")
  }

  @Test(arguments: ["1e30", "-1e19", "1.5"]) func aStepThatIsNoWholeNumberIsAnErrorToo(_ step: String) throws {
    try Data("{\"step\": 1}\n{\"step\": \(step)}\n".utf8).write(to: URL(fileURLWithPath: path))
    let error = artifactError { _ = try MetricLog.read(path) }
    #expect(error?.description.contains("line 2") == true)
    #expect(name(of: error) == "corrupt")
  }

  @Test func aResumedLogEqualsAnUninterruptedOne() throws {
    try append(1...9)
    let uninterrupted = try contents(path)
    try MetricLog.truncate(path, afterStep: 5)
    #expect(try MetricLog.read(path).count == 5)
    try append(6...9)
    #expect(try contents(path) == uninterrupted)
    try MetricLog.truncate(folder.file("none"), afterStep: 5)
    #expect(try folder.names() == ["metrics.jsonl"])
  }
}
