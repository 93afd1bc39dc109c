import Artifacts
import DD2Teacher
import Datasets
import Foundation
import Processes
import Sampling
import TeacherModels
import TensorCore
import Training

/// What `samples.json` says about the images beside it.
struct SampleRecord: Encodable {
  /// A file of weights that took part.
  struct Source: Encodable {
    let path: String
    let sha256: String
  }

  /// The noises that images lie between.
  struct Interpolation: Encodable {
    let from: Int
    let to: Int
  }

  /// `one-step`, `few-step` or `teacher-steps`.
  var method: String
  /// What the teacher did in few-step sampling.
  var correction: FewStepSampler.Correction?
  /// The samples that the images lead from and to; nil where each image is a sample of its own.
  var interpolation: Interpolation?
  /// nil for a generator of DD1.
  var teacher: Source?
  var generator: Source?
  /// What shaped the teacher's distribution; in one-step sampling, what the generator learned; nil for a generator of DD1.
  var guidance: Guidance?
  /// Whether the teacher took the most likely token instead of drawing.
  var greedy = false
  var callsPerImage: Int
  var count: Int
  /// Images written so far; less than `count` after an interruption.
  var completed = 0
  /// `all`, or the number of the only class.
  var labels: String
  var seed: UInt64
  var batch: Int
  /// Speed of drawing and decoding, without writing files.
  var imagesPerSecond: Double?
  var command = commandLine
  var createdBy = DD2Version.description
}

/// Draws images batch by batch and writes each batch as soon as it is there: each process of a job its batches, into one
/// folder. All else is the first one's.
struct SamplingRun {
  /// What was asked for.
  let options: SampleOptions
  /// Where the tokens of a `TokenSampler` go; nil leaves them out.
  var tokensOut: String?
  /// Draws the images.
  let sampler: any ImageSampler
  /// A name for each of its classes, empty where it has none.
  let classNames: [String]

  /// Draws, writes, and prints where the images are.
  /// - Parameter record: what is known of the sampler; the rest is filled in.
  func run(_ record: SampleRecord) throws {
    let group = ProcessGroup.current
    let labels = try options.labels(classCount: sampler.classCount)
    var record = record
    var output = try options.output.map { try ImageOutput($0, grid: options.grid) }
    let interrupts = Interrupts()
    // What can fail comes before old images are removed.
    let writer = try group.isFirst ? tokensOut.map { try HDF5Writer(path: $0) } : nil
    defer { writer?.abandon() }
    try options.output.map { try SharedFolder.check($0) }
    try output.map(clear)
    try write(record)
    // Nobody writes before all old images are gone.
    _ = group.any(false)
    var ids: [Int32] = []
    let meter = ProgressMeter("sampling", total: options.count, unit: "images")
    var time = Duration.zero
    for range in group.rounds(batches(of: record.batch)) {
      let start = record.completed
      let new = try range.map { try draw($0, labels, time: &time) }
      if tokensOut != nil { ids += group.gather(new?.ids ?? []).joined() }
      try output?.write(new?.images ?? [], range, labels)
      output?.show(new?.images ?? [], from: start)
      record.completed = min(start + group.size * record.batch, options.count)
      meter.update(record.completed)
      // All processes stop at the same round; what they were to write by then is written.
      if group.any(interrupts.flag.isRaised) {
        interrupts.flag.raise()
        meter.close()
        try write(record)
      }
      try interrupts.check("\(record.completed) of \(options.count) images")
    }
    record.imagesPerSecond = Double(options.count) / (time / .seconds(1))
    if group.isFirst { try finish(record, output, writer, ids, labels) }
  }

  private func batches(of size: Int) -> [Range<Int>] {
    stride(from: 0, to: options.count, by: size).map { $0..<min($0 + size, options.count) }
  }

  /// Draws the images of a range, or their tokens alone where no images are wanted.
  /// - Parameter time: gets what it took added.
  private func draw(
    _ range: Range<Int>, _ labels: LabelStream, time: inout Duration
  ) throws -> (ids: [Int32], images: [RGBImage]) {
    let start = ContinuousClock.now
    defer { time += ContinuousClock.now - start }
    let (labels, indices) = (labels.labels(range), Array(range))
    guard let sampler = sampler as? any TokenSampler else {
      return ([], rgbImages(try sampler.images(labels: labels, seed: options.seed, indices: indices)))
    }
    let drawn = try sampler.tokens(labels: labels, seed: options.seed, indices: indices)
    guard options.output != nil else { return (drawn.values, []) }
    return (drawn.values, rgbImages(try sampler.teacher.decodeInSlices(ids_BL: drawn)))
  }

  /// Writes what belongs to all images.
  private func finish(
    _ record: SampleRecord, _ output: ImageOutput?, _ writer: HDF5Writer?, _ ids: [Int32], _ labels: LabelStream
  ) throws {
    try output?.writeGrid(
      title: record.method == SampleRecord.ofTeacher ? "teacher" : "generator", label: labels.label(at:),
      names: classNames)
    if let writer {
      let shape = Shape([options.count, ids.count / options.count])
      try TokenFile.write(TokenSet(ids: IndexArray(ids, shape), labels: labels.labels(0..<options.count)), to: writer)
      try writer.finish()
    }
    try write(record)
    if let folder = options.output { try Console.result("\(folder): \(options.count) images, \(record.method)") }
    if let tokensOut { try Console.result("\(tokensOut): tokens of \(options.count) images") }
  }

  /// Removes the images of an earlier run of this command, which would be counted with the new ones; none where others
  /// lie beside them, for which the folder is refused.
  private func clear(_ output: ImageOutput) throws {
    guard ProcessGroup.current.isFirst else { return }
    let hasRecord = FileAccess.exists("\(output.path)/\(SampleProgress.fileName)")
    func isEarlier(_ name: String) -> Bool { hasRecord && name.wholeMatch(of: /\d{6,}-class\d+\.png/) != nil }
    try output.requireNoOthers(than: isEarlier)
    guard hasRecord else { return }
    for name in try output.existing() where name == ImageFolder.overviewName || isEarlier(name) {
      try FileAccess.remove("\(output.path)/\(name)")
    }
  }

  private func write(_ record: SampleRecord) throws {
    guard ProcessGroup.current.isFirst, let folder = options.output else { return }
    try AtomicFile.write(try Console.jsonEncoder.encode(record), to: "\(folder)/\(SampleProgress.fileName)")
  }
}

extension SampleRecord {
  /// The method of the teacher's samples.
  static let ofTeacher = "teacher-steps"

  /// The record of the teacher's samples.
  static func teacher(
    _ teacher: TeacherFile.Loaded, guidance: Guidance, greedy: Bool, callsPerImage: Int,
    options: SampleOptions
  ) -> SampleRecord {
    SampleRecord(
      method: Self.ofTeacher, teacher: Source(path: teacher.path, sha256: teacher.hash), guidance: guidance,
      greedy: greedy, callsPerImage: callsPerImage, count: options.count,
      labels: options.classChoice.description, seed: options.seed,
      batch: options.batch ?? teacher.teacher.sequencesAtOnce)
  }
}

extension ImageOutput {
  /// Writes the images of a range.
  fileprivate func write(_ images: [RGBImage], _ range: Range<Int>?, _ labels: LabelStream) throws {
    for (index, image) in zip(range ?? 0..<0, images) {
      try write(image, named: String(format: "%06d-class%d.png", index, Int(labels.label(at: index))))
    }
  }
}
