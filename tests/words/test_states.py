import pytest

from parallel_orchestra.states import TRANSITIONS, Move, TaskState, allowed


def test_a_task_travels_through_the_directories_in_the_order_of_the_states():
    assert [state.value for state in TaskState] == ["available", "locked", "done", "failed"]


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda one: f"{one.move.value}")
def test_every_row_of_the_table_is_allowed(transition):
    assert allowed(transition.move, transition.source, transition.target)


def test_nothing_but_the_rows_of_the_table_is_allowed():
    rows = {(one.move, one.source, one.target) for one in TRANSITIONS}

    allowed_moves = {
        (move, source, target)
        for move in Move
        for source in TaskState
        for target in TaskState
        if allowed(move, source, target)
    }

    assert allowed_moves == rows
    assert len(rows) == len(TRANSITIONS)


def test_only_an_undo_leaves_done_and_it_does_not_make_the_task_run_again():
    leaving = [(one.move, one.target) for one in TRANSITIONS if one.source is TaskState.DONE]

    assert leaving == [(Move.UNDO, TaskState.FAILED)]


def test_only_a_claim_leads_into_locked_and_from_failed_only_a_persons():
    leading = {
        one.move: (one.source, one.by) for one in TRANSITIONS if one.target is TaskState.LOCKED
    }

    assert leading == {
        Move.CLAIM: (TaskState.AVAILABLE, "worker"),
        Move.TAKE_UP: (TaskState.FAILED, "user"),
    }


def test_from_every_state_but_done_a_task_can_still_finish():
    finishing = {TaskState.DONE}
    for _ in TaskState:
        finishing |= {one.source for one in TRANSITIONS if one.target in finishing}

    assert finishing == set(TaskState)


def test_every_move_says_who_may_make_it_and_when():
    assert {one.move for one in TRANSITIONS} == set(Move)
    assert {one.by for one in TRANSITIONS} == {"worker", "owner", "anybody", "user"}
    assert all(one.guard for one in TRANSITIONS)
