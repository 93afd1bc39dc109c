import Artifacts
import DD2Teacher
import Distillation
import Foundation
import TeacherModels
import Training

extension ReportedRun {
  /// Reads a run's folder as it is now.
  /// - Throws: `ArtifactError` where it holds no log of a run, or one that cannot be read.
  public init(folder: String) throws {
    let stages = try RunFolders.stages(in: folder)
    guard let last = stages.last else {
      throw ArtifactError.wrongFormat(path: folder, detail: "holds no metrics.jsonl; give the folder of a run")
    }
    let records = try stages.map { (name: $0.name, records: try MetricLog.read($0.run.metricsPath)) }
    let distillation: RunRecord<DistillationRecord>? = try? RunDirectory.open(folder).config()
    let name = folder.pathName
    self.name = name
    method = distillation?.settings.settings.method.rawValue
    let own = zip(stages, records).first { $0.0.run.path == folder }?.1.records ?? []
    let done = Int(own.last?["step"] ?? 0)
    let total = distillation?.settings.settings.steps
    state = RunSummary(of: folder)?.state ?? .unreadable
    facts = try Self.facts(folder, begun: last.run, distillation, done: done)
    (preset, settings) = try Self.settings(distillation?.settings.settings, of: last.run)
    verdicts = Verdicts(folder: folder, state: state, steps: (done, total), records: own).all
    self.stages = records.map { Stage(name: $0.name == name ? "" : $0.name, records: $0.records) }
    snapshots = try stages.flatMap { try Snapshots.read($0.run, stage: $0.run.path == folder ? "" : $0.name) }
  }

  private static func facts(
    _ folder: String, begun run: RunDirectory, _ distillation: RunRecord<DistillationRecord>?, done: Int
  ) throws -> [[String]] {
    struct Record: Decodable { let command, createdBy, backend: String }
    let record: Record = try run.config()
    let starts = try run.starts()
    var facts = [["folder", FileAccess.resolved(folder) ?? folder], ["command", record.command]]
    if let distilled = distillation?.settings {
      facts.append(["teacher", "\(distilled.teacher.path.pathName), sha256 \(distilled.teacher.hash.prefix(12))"])
      facts.append(["learns from", data(distilled)])
      if distilled.settings.evaluationInterval > 0 {
        let reference = distilled.reference?.path ?? "shapes32, its own feature network"
        facts.append(["FID", "\(distilled.settings.evaluationCount) images against \(reference)"])
      }
      facts.append(["updates", "\(done) of \(distilled.settings.steps)"])
    }
    facts.append(["began", starts.first?.time ?? "unknown"])
    if starts.count > 1 {
      facts.append(["went on", "\(starts.count - 1) times, last \(starts[starts.count - 1].time)"])
    }
    let places = starts.map { "\($0.createdBy), \($0.backend)" }
    let different = places.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    return facts + [
      [
        "ran on",
        (different.isEmpty ? ["\(record.createdBy), \(record.backend)"] : different).joined(separator: "; then "),
      ]
    ]
  }

  private static func data(_ record: DistillationRecord) -> String {
    if let tokens = record.tokens { return tokens.path }
    guard record.settings.method == .dd2 else { return "its teacher's flow" }
    let name = record.settings.data ?? "shapes32"
    return record.images.map { "\($0.count) images in \(name)" }
      ?? (name == "teacher" ? "what its teacher draws" : name)
  }

  /// A distillation's preset and the settings that differ from it; all settings of a teacher's training.
  private static func settings(
    _ distillation: DistillationConfiguration?, of run: RunDirectory
  ) throws -> (preset: String?, [Setting]) {
    guard let distillation else {
      return (nil, try run.settingTexts().map { Setting(name: $0.path, value: $0.text, usual: nil) })
    }
    let all = DistillationPreset.allCases.map { ($0.rawValue, $0.configuration) }
    guard
      let (name, preset) = all.min(by: {
        $0.1.differences(from: distillation).count < $1.1.differences(from: distillation).count
      })
    else { return (nil, []) }
    let usual = Dictionary(uniqueKeysWithValues: preset.texts.map { ($0.path, $0.text) })
    let different = Set(distillation.differences(from: preset))
    return (
      name,
      distillation.texts.map { path, text in
        Setting(name: path, value: text, usual: different.contains(path) ? usual[path] : nil)
      }
    )
  }
}
