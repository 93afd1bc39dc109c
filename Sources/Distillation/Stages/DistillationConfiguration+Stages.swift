import Training

extension DistillationConfiguration {
  /// The stages of a run in the order in which they are run. One that has been prolonged needs its last stage's checkpoint,
  /// and the pairs where that stage learns them (`DistillationPipeline.run`).
  public var runStages: [RunStage] {
    let pairs = RunStage(
      name: TokenCollection.pairsName, folder: TokenCollection.pairsName, steps: self.pairs,
      isNeededAfterwards: self.method == .dd1 || self.regressionWeight > 0)
    let last = RunStage(
      name: self.method == .dd1 ? "dd1" : "distill", folder: "", steps: self.steps, isNeededAfterwards: true)
    guard self.method == .dd2 else { return [pairs, last] }
    func stage(_ name: String, _ steps: Int) -> RunStage {
      RunStage(name: name, folder: name, steps: steps, isNeededAfterwards: false)
    }
    var stages: [RunStage] = []
    if drawsOwnSequences { stages.append(stage(TokenCollection.ownSequencesName, ownSequenceCount)) }
    stages.append(stage("stage1", self.stage1Steps))
    if usesChain {
      stages += chain.runStages.filter { !stages.map(\.name).contains($0.name) }.map { stage in
        RunStage(
          name: DistillationPipeline.chainName(stage.name),
          folder: stage.folder.isEmpty ? "chain" : "chain/" + stage.folder, steps: stage.steps,
          isNeededAfterwards: false)
      }
    }
    if usesPairs { stages.append(pairs) }
    if hasWarmStart { stages.append(stage("warm-start", self.warmStartSteps)) }
    return stages + [last]
  }
}
