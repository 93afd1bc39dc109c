import Datasets
import NN
import TeacherModels
import Training

/// What a run's `config.json` says of a distillation: its settings, and the files that they name as they were when it began.
public struct DistillationRecord: Codable, Equatable, Sendable {
  /// The settings.
  public var settings: DistillationConfiguration
  /// The teacher's file.
  public var teacher: RecordedFile
  /// The images of stage 1; nil for the built-in ones, and where there are none.
  public var images: ImageSetRecord?
  /// The tokens of stage 1, in place of images.
  public var tokens: RecordedFile?
  /// The generator that stage 2 starts from.
  public var start: RecordedFile?
  /// The statistics that FID is measured against; nil for those of the built-in images.
  public var reference: RecordedFile?
  /// The weights of the reference's feature network, where they are not in their usual place.
  public var referenceWeights: RecordedFile?

  /// A record of settings and a teacher.
  public init(_ settings: DistillationConfiguration, teacher: RecordedFile) {
    self.settings = settings
    self.teacher = teacher
  }

  /// The record of the chain's own distillation.
  var chain: DistillationRecord {
    var record = DistillationRecord(settings.chain, teacher: teacher)
    record.images = images
    return record
  }

  /// The record as files hold it that are moved: without what only this copy of the images has.
  var portable: DistillationRecord {
    var record = self
    record.images?.state = nil
    return record
  }
}

extension TeacherFile.Loaded {
  /// The file, as records name it.
  public var file: RecordedFile { RecordedFile(path: path, hash: hash) }
}

extension DistillationRecord: CheckedSettings {
  public func check() throws(SettingsError) { try settings.check() }
}
