/* Voting, view change and epoch change of Simplex, for an exhaustive search by Spin: four validators of weight one, one
   of them Byzantine, two epochs of three views. README.md says what is left out and why that changes nothing.

   There are no messages. Every guard asks whether enough signatures for a statement exist anywhere, and every step of
   every validator is optional: a message that is late, lost or reordered is a step that is not taken yet, or never. The
   Byzantine validator has signed every statement there is, so a certificate is two honest votes. All leaders propose
   whatever their voters accept, two blocks and more in one view too, as if each were Byzantine.

   A certificate forms in one step: both votes at once. SINGLY=1 takes votes one at a time instead.

   The environment says what a run is for: MUTANT takes one rule away, REACH asks whether a situation can be reached
   (then an error is the answer wanted), FRAMING=1 also checks that nobody honest signs what convicts it. */

c_decl {
\#include <stdlib.h>
\#include <string.h>
}

/* --- blocks and statements ---
   A block is its path from the epoch's first block, which is 0: one digit a height. The digit says which child of its
   parent it is: 1 and 2 are two rivals, 3 is a boundary block. A statement is a block and the view of its parent. */
#define BASE 4
#define BOUNDARY 3
#define IS_BOUNDARY(b) ((b) % BASE == BOUNDARY)
#define STATEMENT(parent, b) ((parent) * 64 + (b))
#define BLOCK(s) ((s) % 64)

#define NoMutant 0
#define Quorum 1               /* one vote less is a certificate */
#define NotarizeTwice 2        /* I1 */
#define FinalizeNullified 3    /* I2 */
#define FinalizeOther 4        /* I3: of another block than it notarized; convicts, and does not fork */
#define NoSkipProof 5          /* I4: views between are not nullified */
#define NoParentProof 6        /* I4: the parent is proposed and not notarized */
#define BuildOnBoundary 7      /* nothing but itself follows a boundary block in its epoch */
#define StaleEpoch 8           /* the old epoch's Nullify counts in the new one */
#define ForgetNullify 9        /* a crash loses the record of a Nullify that was sent */

#define NULLIFY 1
#define NOTARIZE 2
#define FINALIZE 3
#define FORGET 4
#define NEXT_EPOCH 5

/* By view; what an honest validator signed in this epoch, 0 for nothing. */
typedef Validator {
  byte notarize[4];
  byte again[4];     /* a second Notarize: only where I1 is off */
  byte finalize[4];
  bit nullify[4];
  bit forgot[4];     /* signed and not remembered: only where a crash forgets */
  bit old[4];        /* Nullify of the epoch before: only where those count */
};
Validator node[3];
byte epoch;
byte mutant, reach, framing, singly, views;
byte need;  /* honest votes of a certificate */
byte kind, me, other, view, parent, block, said, x, y;  /* of one step; 0 between steps */

#define N(i, v) node[i].notarize[v]
#define F(i, v) node[i].finalize[v]
#define U(i, v) node[i].nullify[v]

/* --- certificates that can exist --- */
#define NOTARIZED(v, s) ((N(0, v) == s) + (N(1, v) == s) + (N(2, v) == s) + (node[0].again[v] == s) + \
  (node[1].again[v] == s) + (node[2].again[v] == s) >= need)
#define FINAL(v, s) ((F(0, v) == s) + (F(1, v) == s) + (F(2, v) == s) >= need)
#define SAYS_NULL(i, v) (U(i, v) || node[i].forgot[v] || node[i].old[v])
#define NULLIFIED(v) (SAYS_NULL(0, v) + SAYS_NULL(1, v) + SAYS_NULL(2, v) >= need)
#define NOTARIZED_WITH(j, v) (N(j, v) != 0 && NOTARIZED(v, N(j, v)))
#define ENDED(v) (NULLIFIED(v) || NOTARIZED_WITH(0, v) || NOTARIZED_WITH(1, v) || NOTARIZED_WITH(2, v))
/* Of validators that said the same, one stands for it. */
#define IS_FIRST(j, v) ((j == 0 || N(j, v) != N(0, v)) && (j < 2 || N(j, v) != N(1, v)))

/* --- where a validator may be: in a view where it acted, or that a certificate admits it to; never back --- */
#define ACTED(i, v) (N(i, v) != 0 || U(i, v) || node[i].forgot[v])
#define IN_1(i) (!ACTED(i, 2) && !ACTED(i, 3) && F(i, 1) == 0 && F(i, 2) == 0 && F(i, 3) == 0)
#define IN_2(i) (!ACTED(i, 3) && F(i, 2) == 0 && F(i, 3) == 0 && (ACTED(i, 2) || ENDED(1)))
#define IN_3(i) (views == 3 && F(i, 3) == 0 && (ACTED(i, 3) || ENDED(2)))

/* --- rules --- */
#define SKIPPED(v) (NULLIFIED(v) || mutant == NoSkipProof)
#define IS_PARENT(j, v) (N(j, v) != 0 && IS_FIRST(j, v) && (NOTARIZED(v, N(j, v)) || mutant == NoParentProof))
#define MAY_NOTARIZE(i, v) (N(i, v) == 0 || (mutant == NotarizeTwice && node[i].again[v] == 0))
#define MAY_NULLIFY(i, v) (!SAYS_NULL(i, v) && F(i, v) == 0 && !NULLIFIED(v))
#define MAY_FINALIZE(i, v, j) (N(j, v) != 0 && IS_FIRST(j, v) && NOTARIZED(v, N(j, v)) && F(i, v) == 0 && \
  !FINAL(v, N(j, v)) && (!U(i, v) || mutant == FinalizeNullified) && \
  (N(i, v) == 0 || N(i, v) == N(j, v) || mutant == FinalizeOther))
#define MAY_BUILD_ON(b) (!IS_BOUNDARY(b) || mutant == BuildOnBoundary)
#define IS_USED_BY(i, b) (BLOCK(N(i, 1)) == b || BLOCK(N(i, 2)) == b || BLOCK(N(i, 3)) == b)
#define IS_USED(b) (IS_USED_BY(0, b) || IS_USED_BY(1, b) || IS_USED_BY(2, b))

/* Validators are alike: of states that differ in who is who, one is kept. */
inline end_step() {
  c_code {
    struct Validator t;
    int k;
    for (k = 0; k < 3; ++k) {
      struct Validator *a = &now.node[k % 2], *b = a + 1;
      if (memcmp(a, b, sizeof t) > 0) { t = *a; *a = *b; *b = t; }
    }
    now.kind = now.me = now.other = now.view = now.parent = now.block = now.said = now.x = now.y = 0;
  };
  check_reached()
}

/* --- Agreement: final blocks of an epoch lie on one path, which ends with its first boundary block --- */
inline agrees_with(s) {
  x = BLOCK(said);
  y = BLOCK(s);
  if :: x > y -> x = BLOCK(s); y = BLOCK(said) :: else fi;
  if :: x != y -> assert(!IS_BOUNDARY(x)) :: else fi;
  do :: y > x -> y = y / BASE :: else -> break od;
  assert(x == y);
}
inline agrees_in(v) {
  if :: F(0, v) != 0 && FINAL(v, F(0, v)) -> agrees_with(F(0, v)) :: else fi;
  if :: F(1, v) != 0 && FINAL(v, F(1, v)) -> agrees_with(F(1, v)) :: else fi;
  if :: F(2, v) != 0 && FINAL(v, F(2, v)) -> agrees_with(F(2, v)) :: else fi;
}
inline check_agreement() {
  if :: FINAL(view, said) -> agrees_in(1); agrees_in(2); agrees_in(3) :: else fi
}

/* --- No framing: what `contradict` of the ledger convicts by, over everything that was signed --- */
inline check_framing(w) {
  assert(!framing || node[w].again[view] == 0);
  assert(!framing || F(w, view) == 0 || (!U(w, view) && !node[w].forgot[view]));
  assert(!framing || F(w, view) == 0 || N(w, view) == 0 || N(w, view) == F(w, view));
}

/* --- steps of one validator (me = other), or of two that say the same --- */
inline sign_nullify() {
  d_step {
    node[me].nullify[view] = 1;
    node[other].nullify[view] = 1;
    check_framing(me);
    check_framing(other);
    end_step();
  }
}

inline keep_notarize(w) {
  if
  :: N(w, view) == 0 -> node[w].notarize[view] = said
  :: N(w, view) != 0 && N(w, view) != said -> node[w].again[view] = N(w, view); node[w].notarize[view] = said
  :: else
  fi
}

/* On `block`: a child of it, or itself once more, as a leader does behind a boundary block and on a long branch. The
   rivals 1 and 2 are alike, so 2 comes second. One more vote for what is notarized changes nothing and is left out. */
inline sign_notarize() {
  if
  :: parent != 0 -> skip
  :: MAY_BUILD_ON(block) -> block = block * BASE + 1
  :: MAY_BUILD_ON(block) && IS_USED(block * BASE + 1) -> block = block * BASE + 2
  :: MAY_BUILD_ON(block) -> block = block * BASE + BOUNDARY
  fi;
  d_step {
    said = STATEMENT(parent, block);
    if
    :: NOTARIZED(view, said)
    :: else -> keep_notarize(me); keep_notarize(other)
    fi;
    check_framing(me);
    check_framing(other);
    end_step();
  }
}

inline sign_finalize() {
  d_step {
    node[me].finalize[view] = said;
    node[other].finalize[view] = said;
    check_framing(me);
    check_framing(other);
    check_agreement();
    end_step();
  }
}

/* A final boundary block: the epoch's votes are worth nothing any more, and its views begin anew. */
#define ENDS_EPOCH(i, v) (F(i, v) != 0 && IS_BOUNDARY(BLOCK(F(i, v))) && FINAL(v, F(i, v)))
#define EPOCH_IS_OVER (ENDS_EPOCH(0, 1) || ENDS_EPOCH(1, 1) || ENDS_EPOCH(2, 1) || ENDS_EPOCH(0, 2) || \
  ENDS_EPOCH(1, 2) || ENDS_EPOCH(2, 2) || ENDS_EPOCH(0, 3) || ENDS_EPOCH(1, 3) || ENDS_EPOCH(2, 3))
inline next_epoch() {
  d_step {
    c_code {
      int i, v;
      for (i = 0; i < 3; ++i) {
        struct Validator t;
        memset(&t, 0, sizeof t);
        for (v = 1; v < 4; ++v) t.old[v] = now.mutant == 8 && now.node[i].nullify[v];
        now.node[i] = t;
      }
    };
    epoch = epoch + 1;
    end_step();
  }
}

inline forget_nullify() {
  d_step {
    node[me].nullify[1] = 0;
    node[me].forgot[1] = 1;
    end_step();
  }
}

/* --- Can the interesting things happen at all? --- */
#define SAYS(i, v) (N(i, v) != 0)
#define IS_FINAL_IN(v) ((F(0, v) && FINAL(v, F(0, v))) || (F(1, v) && FINAL(v, F(1, v))) || (F(2, v) && FINAL(v, F(2, v))))
#define SPLIT(v) (N(0, v) != N(1, v) && N(0, v) && N(1, v) && N(2, v) == 0)
#define BOTH(v) (NULLIFIED(v) && (NOTARIZED_WITH(0, v) || NOTARIZED_WITH(1, v) || NOTARIZED_WITH(2, v)))
#define AGAIN_3(i, j) (F(i, 3) != 0 && FINAL(3, F(i, 3)) && N(j, 2) != 0 && NOTARIZED(2, N(j, 2)) && !IS_FINAL_IN(2) && \
  BLOCK(F(i, 3)) == BLOCK(N(j, 2)) && IS_BOUNDARY(BLOCK(F(i, 3))))
#define LATE(i) (F(i, 1) != 0 && ACTED(i, 3) && IS_FINAL_IN(1) && !IS_FINAL_IN(2) && !IS_FINAL_IN(3))
inline check_reached() {
  assert(reach != 1 || !(epoch == 1 && IS_FINAL_IN(3)));
  assert(reach != 2 || !(AGAIN_3(0, 0) || AGAIN_3(1, 1) || AGAIN_3(2, 2)));
  assert(reach != 3 || !(epoch == 1 && BOTH(1) && IS_FINAL_IN(2)));
  assert(reach != 4 || !(LATE(0) || LATE(1) || LATE(2)));
  assert(reach != 5 || !(epoch == 1 && NULLIFIED(1) && NULLIFIED(2) && IS_FINAL_IN(3)));
  assert(reach != 6 || !((SPLIT(1) || BOTH(1)) && IS_FINAL_IN(2) && IS_FINAL_IN(3)))
}

active proctype Network() {
  c_code {
    const char* text = getenv("MUTANT");
    now.mutant = text ? atoi(text) : 0;
    text = getenv("REACH");
    now.reach = text ? atoi(text) : 0;
    text = getenv("FRAMING");
    now.framing = text ? atoi(text) : 0;
    now.singly = getenv("SINGLY") != 0;
    text = getenv("VIEWS");
    now.views = text ? atoi(text) : 3;
  };
  need = (mutant == Quorum -> 1 : 2);
  singly = singly || mutant == Quorum || mutant == FinalizeOther || mutant == NoParentProof;
end:
  do
  :: atomic {
    if
#define STEP(i, j, v) me = i; other = j; view = v
#define MAY_BOTH_NOTARIZE(i, j, v) (IN_##v(i) && IN_##v(j) && MAY_NOTARIZE(i, v) && MAY_NOTARIZE(j, v))
#define MAY_BOTH_NULLIFY(i, j, v) (IN_##v(i) && IN_##v(j) && MAY_NULLIFY(i, v) && MAY_NULLIFY(j, v))
#define MAY_BOTH_FINALIZE(i, j, v, w) (MAY_FINALIZE(i, v, w) && MAY_FINALIZE(j, v, w))
#define ON(v, w) parent = v; block = BLOCK(N(w, v)); kind = NOTARIZE
/* Of i and j, with what w said. */
#define WITH(how, i, j, w) \
    :: how && MAY_BOTH_NOTARIZE(i, j, 2) && IS_PARENT(w, 1) -> STEP(i, j, 2); ON(1, w) \
    :: how && MAY_BOTH_NOTARIZE(i, j, 3) && IS_PARENT(w, 1) && SKIPPED(2) -> STEP(i, j, 3); ON(1, w) \
    :: how && MAY_BOTH_NOTARIZE(i, j, 3) && IS_PARENT(w, 2) -> STEP(i, j, 3); ON(2, w) \
    :: how && MAY_BOTH_NOTARIZE(i, j, 2) && node[w].again[1] != 0 && NOTARIZED(1, node[w].again[1]) -> STEP(i, j, 2); \
       parent = 1; block = BLOCK(node[w].again[1]); kind = NOTARIZE \
    :: how && MAY_BOTH_FINALIZE(i, j, 1, w) -> STEP(i, j, 1); said = N(w, 1); kind = FINALIZE \
    :: how && MAY_BOTH_FINALIZE(i, j, 2, w) -> STEP(i, j, 2); said = N(w, 2); kind = FINALIZE \
    :: how && MAY_BOTH_FINALIZE(i, j, 3, w) -> STEP(i, j, 3); said = N(w, 3); kind = FINALIZE
#define SIGNED_BY(how, i, j) \
    :: how && MAY_BOTH_NULLIFY(i, j, 1) -> STEP(i, j, 1); kind = NULLIFY \
    :: how && MAY_BOTH_NULLIFY(i, j, 2) -> STEP(i, j, 2); kind = NULLIFY \
    :: how && MAY_BOTH_NOTARIZE(i, j, 1) -> STEP(i, j, 1); kind = NOTARIZE \
    :: how && MAY_BOTH_NOTARIZE(i, j, 2) && SKIPPED(1) -> STEP(i, j, 2); kind = NOTARIZE \
    :: how && MAY_BOTH_NOTARIZE(i, j, 3) && SKIPPED(1) && SKIPPED(2) -> STEP(i, j, 3); kind = NOTARIZE \
    WITH(how, i, j, 0) WITH(how, i, j, 1) WITH(how, i, j, 2)
    SIGNED_BY(!singly, 0, 1)
    SIGNED_BY(!singly, 0, 2)
    SIGNED_BY(!singly, 1, 2)
    SIGNED_BY(singly, 0, 0)
    SIGNED_BY(singly, 1, 1)
    SIGNED_BY(singly, 2, 2)
#define MAY_FORGET(i) (mutant == ForgetNullify && U(i, 1))
    :: MAY_FORGET(0) -> me = 0; kind = FORGET
    :: MAY_FORGET(1) -> me = 1; kind = FORGET
    :: MAY_FORGET(2) -> me = 2; kind = FORGET
    :: epoch == 0 && EPOCH_IS_OVER -> kind = NEXT_EPOCH
    fi;
    if
    :: kind == NULLIFY -> sign_nullify()
    :: kind == NOTARIZE -> sign_notarize()
    :: kind == FINALIZE -> sign_finalize()
    :: kind == FORGET -> forget_nullify()
    :: kind == NEXT_EPOCH -> next_epoch()
    fi
  }
  od
}
