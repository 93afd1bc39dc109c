import Foundation
import TeacherModels

/// What a teacher's training will do and take, for people.
struct TeacherTrainingPlan {
  private let settings: TeacherTrainingConfiguration
  /// What was measured.
  let trial: TeacherTrial

  /// Tries a few updates.
  /// - Throws: as `TeacherTrial`.
  init(_ settings: TeacherTrainingConfiguration) throws {
    Log.info("trying a few updates")
    self.settings = settings
    trial = try TeacherTrial(settings)
  }

  /// A line on the teacher, then a table of its networks.
  var lines: [String] {
    let rows = trial.parts.map { part in
      [
        part.name, DryRun.grouped(part.parameters), DryRun.grouped(part.settings.steps), "\(part.settings.batch)",
        String(format: "%.2f s", part.seconds), ProgressMeter.duration(seconds(of: part)),
      ]
    }
    let total = ProgressMeter.duration(trial.parts.reduce(0) { $0 + seconds(of: $1) })
    let header = ["NETWORK", "PARAMETERS", "UPDATES", "IMAGES", "EACH", "TIME, ABOUT"]
    let table = TextTable([header] + rows + [["in all", "", "", "", "", total]])
    return [summary] + table.description.split(separator: "\n").map(String.init)
  }

  private func seconds(of part: TeacherTrial.Part) -> Double { Double(part.settings.steps) * part.seconds }

  private var summary: String {
    let (sizes, family) = (TrainingSizes(of: settings.teacher), settings.teacher.family)
    let tokens =
      switch sizes.tokens {
      case .scales(let sides): "scales \(TrainingSizes.text(sides))"
      case .grid(let side): "grid \(side)"
      }
    return "\(family.name): \(sizes.side) x \(sizes.side) pixels, \(family.classCount) class(es); "
      + "\(family.layout.count) tokens an image (\(tokens)) of \(sizes.codebook) codes; width \(sizes.width), "
      + "depth \(sizes.depth)"
  }
}
