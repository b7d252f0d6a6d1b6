TEST_F(EngineTest, APeerGetsSoManyAnswersWithinADelta) {
  begin();
  hear(certificate(StatementKind::kNullify, 1));
  node_->take_out();
  for (std::uint32_t i = 0; i < kMaxAnswersPerPeer + 10; ++i) {
    node_->receive(key(1), Ask{AskKind::kCertificates, View(1), View(1), {}, {}});
  }
  EXPECT_EQ(node_->take_out().size(), kMaxAnswersPerPeer);
  EXPECT_EQ(node_->count(Counter::kDroppedAnswers), 10U);
  node_->advance_ms(1'000);
  node_->take_out();
  node_->receive(key(1), Ask{AskKind::kCertificates, View(1), View(1), {}, {}});
  EXPECT_EQ(node_->take_out().size(), 1U);
}

TEST_F(EngineTest, AStandstillSendsEverythingInTurnsOfACap) {
  EngineConfig config;
  config.retry_ms = 1'000'000'000;
  begin(4, config);
  for (std::uint64_t v = 1; v <= 150; ++v) hear(certificate(StatementKind::kNullify, v));
  node_->take_out();
  std::set<View> seen;
  for (int round = 0; round < 4; ++round) {
    node_->advance_ms(config.standstill_ms);
    std::size_t items = 0;
    for (const auto& [to, message] : node_->take_out()) {
      if (const auto* held = std::get_if<Certificates>(&message->body)) {
        items += held->certificates.size();
        for (const Certificate& c : held->certificates) seen.insert(c.statement.view);
      }
    }
    EXPECT_LE(items, config.standstill_items);
  }
  EXPECT_EQ(seen.size(), 150U);
  EXPECT_GE(node_->count(Counter::kStandstillsCapped), 3U);
}

TEST_F(EngineTest, ProposalsShrinkToNothingWhileNothingIsFinal) {
  EngineConfig config;
  config.limits.max_txs = 64;
  begin(4, config);
  node_->ledger().submit(7);
  node_->feed(TxsWait{true});
  node_->keep_turns = true;
  for (std::uint64_t v = node_->engine().view().value; v <= 40; ++v) hear(certificate(StatementKind::kNullify, v));
  std::vector<std::uint32_t> limits;
  for (const Effects& turn : node_->turns) {
    for (const Effect& effect : turn) {
      if (const auto* build = std::get_if<Build>(&effect)) limits.push_back(build->limits.max_txs);
    }
  }
  ASSERT_GE(limits.size(), 5U);
  EXPECT_TRUE(std::ranges::is_sorted(limits, std::greater<>()));
  EXPECT_EQ(limits.back(), 0U);
}

// --- restarts ---

TEST_F(EngineTest, AfterARestartItNullifiesTheLastViewAndVotesForNothingNewThere) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->restart();
  EXPECT_EQ(node_->engine().view(), View(v));
  EXPECT_EQ(said(StatementKind::kNullify).back().view, View(v));
  node_->receive(key(leader(v)), proposal_of(v, block_on_tip()));
  EXPECT_TRUE(said(StatementKind::kNotarize).empty());
}

TEST_F(EngineTest, OwnVotesCountAgainAfterARestart) {
  begin();
  const std::uint64_t v = reach_view(false);
  node_->advance_ms(60'000);
  node_->restart();
  for (std::uint16_t i = 0, others = 0; others < 2; ++i) {
    if (i == me_) continue;
    hear_vote(vote(i, StatementKind::kNullify, v));
    ++others;
  }
  EXPECT_EQ(node_->engine().view(), View(v + 1)) << "two of four and the own one from the journal";
}

TEST_F(EngineTest, WithoutMemoryItIsSilent) {
  EngineConfig config;
  config.vote_after = TimeMs(1'767'225'600'001);
  begin(4, config);
  node_->advance_ms(60'000);
  node_->receive(key(leader(1)), proposal_of(1, block_on_tip()));
  EXPECT_TRUE(said(StatementKind::kNullify).empty());
  EXPECT_FALSE(node_->engine().votes());
}

TEST_F(EngineTest, TwoContradictingCertificatesStopItWithTheProof) {
  begin();
  BlockId a;
  a.data.fill(1);
  BlockId b;
  b.data.fill(2);
  hear(certificate(StatementKind::kNotarize, 3, 0, a));
  EXPECT_FALSE(node_->halted);
  hear(certificate(StatementKind::kNotarize, 3, 0, b));
  ASSERT_TRUE(node_->halted);
  EXPECT_EQ(node_->halted->fault, Fault::kMismatch);
}

TEST_F(EngineTest, ABodyIsAskedOfWhoSignedItsCertificateNotOfWhoeverVoted) {
  begin();
  BlockId certified;
  certified.data.fill(1);
  BlockId rival;
  rival.data.fill(2);
  const std::uint64_t v = reach_view(false);
  hear_vote(vote(other(1), StatementKind::kNotarize, v, 0, rival));
  hear(certificate(StatementKind::kNotarize, v, 0, certified));
  std::set<Ed25519Key> asked;
  for (int i = 0; i < 40; ++i) {
    node_->advance_ms(1'000);
    for (const auto& [to, message] : node_->take_out()) {
      const auto* ask = std::get_if<Ask>(&message->body);
      if (ask != nullptr && ask->kind == AskKind::kBlocks && ask->block == certified) asked.insert(*to);
    }
  }
  EXPECT_EQ(asked.size(), 3U);
}

TEST_F(EngineTest, ANodeFarBehindFetchesBackwardsAndCommitsForwards) {
  begin();
  // Another node of the same network, far ahead.
  InstantNode ahead(committees_, 1);
  std::vector<Block> blocks;
  BlockId parent = ahead.ledger().head().id;
  for (std::uint64_t h = 1; h <= 150; ++h) {
    const Block b = ahead.ledger().port().propose(parent, TimeMs(1'767'225'600'000 + h), {}).value();
    parent = block_id(b.header);
    ASSERT_TRUE(ahead.ledger().port().finalize(parent, std::nullopt));
    blocks.push_back(b);
  }
  hear(certificate(StatementKind::kFinalize, 150, 149, parent));
  for (int round = 0; round < 200 && node_->height() < 150; ++round) {
    for (const auto& [to, message] : node_->take_out()) {
      const auto* ask = std::get_if<Ask>(&message->body);
      if (ask == nullptr || ask->kind != AskKind::kBlocks) continue;
      Blocks answer;
      BlockId id = ask->block;
      while (answer.blocks.size() < 10) {
        const auto block = ahead.ledger().block(id);
        if (!block || block->header.height <= ask->above) break;
        answer.blocks.push_back(*block);
        id = block->header.parent;
      }
      if (!answer.blocks.empty()) node_->receive(*to, answer);
    }
    node_->advance_ms(100);
  }
  EXPECT_EQ(node_->height(), 150U);
  EXPECT_EQ(node_->ledger().head().id, parent);
  EXPECT_EQ(node_->engine().footprint().path_ids, 0U);
}

TEST_F(EngineTest, ALeaderThatGaveItsViewUpBeforehandIsNotWaitedFor) {
  begin();
  std::uint64_t v = node_->engine().view().value;
  while (leader(v + 1) == me_) hear(certificate(StatementKind::kNullify, v++));
  hear_vote(vote(leader(v + 1), StatementKind::kNullify, v + 1));
  node_->take_out();
  hear(certificate(StatementKind::kNullify, v));
  const auto told = said(StatementKind::kNullify);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].view, View(v + 1));
  EXPECT_EQ(node_->count(Counter::kNullifiedWithLeader), 1U);
}

TEST_F(EngineTest, HaltsOnTwoCertificatesOfAViewThatNoHonestQuorumGives) {
  BlockId one, two;
  one.data[0] = 1;
  two.data[0] = 2;
  struct Case {
    StatementKind first;
    BlockId of_first;
    StatementKind second;
    BlockId of_second;
    bool halts;
  };
  constexpr auto kNotarize = StatementKind::kNotarize;
  constexpr auto kNullify = StatementKind::kNullify;
  constexpr auto kFinalize = StatementKind::kFinalize;
  for (const Case& c : {Case{kNotarize, one, kNotarize, two, true}, Case{kNullify, {}, kFinalize, one, true},
                        Case{kFinalize, one, kNullify, {}, true}, Case{kNotarize, one, kFinalize, two, true},
                        Case{kFinalize, one, kNotarize, two, true}, Case{kNotarize, one, kNullify, {}, false},
                        Case{kNullify, {}, kNotarize, one, false}, Case{kNotarize, one, kFinalize, one, false}}) {
    signers_.clear();
    begin();
    hear(certificate(c.first, 3, 0, c.of_first));
    hear(certificate(c.second, 3, 0, c.of_second));
    EXPECT_EQ(node_->halted.has_value(), c.halts);
    if (c.halts) EXPECT_EQ(node_->halted->fault, Fault::kMismatch);
  }
}

TEST_F(EngineTest, EntersNoMoreViewsThanItKeepsUntilAFinalizationCarriesItOver) {
  begin();
  for (std::uint64_t v = 1; v <= kMaxOpenViews + 8; ++v) hear(certificate(StatementKind::kNullify, v));
  const View stopped = node_->engine().view();
  EXPECT_LE(node_->engine().footprint().views, kMaxOpenViews + 1);
  EXPECT_LE(stopped.value, kMaxOpenViews + 1);
  EXPECT_FALSE(node_->halted);
  const Block block = block_on_tip();
  hear(certificate(StatementKind::kFinalize, kMaxOpenViews + 100, kMaxOpenViews + 99, block_id(block.header)));
  Blocks answer;
  answer.blocks.push_back(block);
  node_->receive(key(0), answer);
  EXPECT_EQ(node_->height(), 1U);
  EXPECT_EQ(node_->engine().view(), View(kMaxOpenViews + 101));
  EXPECT_LE(node_->engine().footprint().views, 2U);
}

}  // namespace
}  // namespace micro::test
