import DD2Teacher
import Datasets
import TeacherModels

/// Images to be trained on or encoded, checked, with what is recorded of them.
struct TrainingImages {
  let source: any ImageSource
  /// Nil for the built-in ones.
  let record: ImageSetRecord?
  /// What to say of them when the work begins.
  let notes: [String]

  /// The images of a folder, or the built-in ones.
  /// - Parameters:
  ///   - rule: which folder is which class; nil where that is clear.
  ///   - crop: how they become the model's; nil where nothing is asked for.
  ///   - usual: how that is done where it is not said.
  ///   - side: of the model's images.
  ///   - known: what is known of the classes.
  ///   - recorded: what the run to go on with recorded of them.
  /// - Throws: `DatasetError` as `ImageFolder`; `CommandFailure` for images of another size than `side` x `side`.
  init(
    _ name: String, _ rule: ClassRule?, _ crop: CropChoice?, usual: ImageCrop, side: Int, known: KnownClasses,
    recorded: ImageSetRecord?
  ) throws {
    if name == DataOptions.builtIn {
      (source, record, notes) = (Shapes32(.train), nil, [])
      if let count = known.count, count != source.classNames.count {
        throw CommandFailure(
          .badData,
          "\(name): has \(source.classNames.count) classes where the teacher has \(count); give its images with --data")
      }
    } else {
      let fit = CropChoice.fit(crop, usual: usual, side: side)
      let folder = try MeasurementProgress.checking("images") { progress in
        try ImageFolder(name, classes: rule, known: known, fit: fit, recorded: recorded, progress: progress)
      }
      (source, record) = (folder, folder.record)
      let moved = "\(name): moved or copied, with the contents that the run began with"
      notes =
        ["classes: \(folder.classSummary)"] + (folder.cropSummary.map { ["images: " + $0] } ?? [])
        + (folder.hasMoved ? [moved] : [])
    }
    guard source.height == side, source.width == side else {
      throw CommandFailure(
        .badData,
        "\(name): images are \(source.width) x \(source.height) pixels where the model's are \(side) x \(side); "
          + (name == DataOptions.builtIn ? "give images of its size with --data" : "give --crop var or adm"))
    }
  }

  /// Images for a teacher that is trained: cropped as it saw its own, of its classes.
  /// - Throws: as the other initialiser.
  init(
    _ name: String, _ rule: ClassRule?, _ crop: CropChoice?, of teacher: TeacherFile.Loaded, recorded: ImageSetRecord?
  ) throws {
    try self.init(
      name, rule, crop, usual: teacher.trainingCrop ?? teacher.configuration.usualCrop,
      side: teacher.teacher.imageSide, known: KnownClasses(of: teacher), recorded: recorded)
  }

  /// Says on stderr which class is which, and what is done to the images.
  func logNotes() { for note in notes { Log.info(note) } }
}

extension TeacherConfiguration {
  /// How the family's published teachers saw photographs.
  var usualCrop: ImageCrop {
    switch self {
    case .nextScale: .var
    case .nextToken: .adm
    }
  }
}

extension KnownClasses {
  /// The classes of a teacher, with their names as far as it says what it was trained on.
  init(of teacher: TeacherFile.Loaded) {
    self.init(count: teacher.teacher.classCount)
    if case .folders(let recorded)? = teacher.trainingClasses {
      (numbers, hasAllNames) = (recorded, true)
    } else if teacher.trainingData == DataOptions.builtIn {
      numbers = Dictionary(uniqueKeysWithValues: Shapes32(.train).classNames.enumerated().map { ($1, $0) })
    }
  }
}
