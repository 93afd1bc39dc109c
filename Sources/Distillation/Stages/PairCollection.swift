import Artifacts
import DD2Generator
import DD2Teacher
import Foundation
import Sampling
import TeacherModels
import TensorCore
import Training

/// Makes the pairs of a run, or the rest of them: `pairs.h5` in the run's folder grows batch by batch.
///
/// The file holds `ids` (N, L) and `labels` (N) as token files do (`TokenFile`), and in its attributes what the noise of
/// pair i follows from and what draws its tokens.
struct PairCollection {
  private let teacher: any Teacher
  private let generator: (() throws -> OneStepGenerator)?
  private let generatorHash: String?
  private let configuration: DistillationConfiguration
  private let run: OpenRun
  private let interrupt: InterruptFlag
  private let time: TrainingTime
  private let observer: RunObserver

  /// The stage's name in events and logs.
  static let name = "pairs"
  private static let batch = 100
  /// Pairs between writes of the file.
  private static let saveInterval = 2000

  /// - Parameter chain: the generator file that draws the tokens, in place of the teacher's flow where nil; read only if
  ///   pairs are missing.
  init(
    teacher: TeacherFile.Loaded, chain: RecordedFile?, configuration: DistillationConfiguration,
    run: OpenRun, interrupt: InterruptFlag, time: TrainingTime, observer: @escaping RunObserver
  ) {
    self.time = time
    self.teacher = teacher.teacher
    generator = chain.map { file in { try GeneratorFile.read(file.path, teacher: teacher).generator } }
    generatorHash = chain?.hash
    self.configuration = configuration
    self.run = run
    self.interrupt = interrupt
    self.observer = observer
  }

  private var path: String { run.directory.path + "/pairs.h5" }

  /// All pairs, those of an earlier session included.
  /// - Throws: `RunInterrupted` after the pairs made so far are saved; `ArtifactError`.
  func pairs() throws -> TokenSet {
    let total = configuration.pairs
    var pairs = try existing()
    var saved = pairs?.count ?? 0
    let batch = min(Self.batch, teacher.sequencesAtOnce)
    observer(.started(stage: Self.name, completed: pairs?.count ?? 0, total: total))
    guard (pairs?.count ?? 0) < total else {
      try time.resume(run.directory)
      return try complete(pairs)
    }
    let generator = try generator?()
    let log = try StageLog(run.directory, stage: Self.name, resumingAfter: pairs?.count ?? 0, time: time)
    while (pairs?.count ?? 0) < total {
      let start = pairs?.count ?? 0
      let made = try log.timed { try collect(start..<min(start + batch, total), with: generator) }
      let all = pairs.map { $0.appending(made) } ?? made
      pairs = all
      try log.append(step: all.count, [("token_entropy", DistillationMonitor.unigramEntropy(made.ids))])
      observer(.step(stage: Self.name, completed: all.count, total: total, metrics: []))
      let stops = interrupt.isRaised
      if all.count == total || all.count - saved >= Self.saveInterval || stops {
        try save(all)
        saved = all.count
      }
      if stops, all.count < total { throw RunInterrupted(checkpoint: path) }
    }
    return try complete(pairs)
  }

  private func collect(_ indices: Range<Int>, with generator: OneStepGenerator?) throws -> TokenSet {
    guard let generator else {
      return try TokenPairs.collect(
        teacher: teacher, guidance: configuration.guidance, indices: indices,
        steps: configuration.pairIntegrationSteps, seed: configuration.seed)
    }
    return try TokenPairs.collect(generator: generator, teacher: teacher, indices: indices, seed: configuration.seed)
  }

  private func complete(_ pairs: TokenSet?) throws -> TokenSet {
    guard let pairs, pairs.count == configuration.pairs else {
      throw ArtifactError.wrongFormat(
        path: path, detail: "\(pairs?.count ?? 0) pairs where the run wants \(configuration.pairs); remove the file")
    }
    return pairs
  }

  /// The pairs of earlier sessions; none where their file is damaged, which is said.
  private func existing() throws -> TokenSet? {
    guard FileAccess.exists(path) else { return nil }
    do {
      return try read()
    } catch {
      let detail = try DamagedFile.detail(of: error, in: path)
      let place = try DamagedFile.setAside(path)
      observer(.warning("\(path): damaged (\(detail)); the pairs are made anew, it is now \(place)"))
      return nil
    }
  }

  private func read() throws -> TokenSet {
    let recorded = try HDF5File(reading: path).attributes()
    for (name, value) in try origin {
      // Files of earlier versions do not say everything.
      guard let found = recorded[name], found != .string(value) else { continue }
      throw ArtifactError.wrongFormat(
        path: path, detail: "its pairs have another \(name) than this run, \(found.string ?? ""); remove the file")
    }
    return try TokenFile.read(path, for: teacher)
  }

  /// What the file says of where its tokens come from: the noise's seed and purpose, what draws from it.
  private var origin: [String: String] {
    get throws {
      [
        "noise_seed": String(configuration.seed), "noise_purpose": TokenPairs.noisePurpose,
        "guidance": try JSON.text(configuration.guidance), "generator": generatorHash ?? "none",
      ]
    }
  }

  private func save(_ pairs: TokenSet) throws {
    let writer = try HDF5Writer(path: path)
    try TokenFile.write(pairs, to: writer)
    for (name, value) in try origin.sorted(by: { $0.key < $1.key }) { try writer.setAttribute(name, .string(value)) }
    try writer.finish()
    observer(.saved(path: path))
  }
}
