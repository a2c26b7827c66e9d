"""The doctor: that each patient suffers from what is said, by a network written down a second time; both front ends."""

from __future__ import annotations

import numpy as np
import pytest

from test_tui import pane, press, screen
from test_tui_quiz import opened
from tutor.cli.commands import main
from tutor.cli.doctor import Ward
from tutor.play.doctor import ILLNESSES, Clinic, Visit, case
from tutor.play.findings_words import VIEWS, curve_words
from tutor.tui.doctor import DoctorScreen
from tutor.tui.home import HomeScreen


@pytest.fixture(scope="module")
def clinic():
    return Clinic(1)


def patient(clinic, illness):
    return clinic[clinic.order.index(illness)]


def sigma(z):
    return 1 / (1 + np.exp(-np.clip(z, -700, 700)))


class Plain:
    """The patients' network in plain NumPy, with the slip of an illness written into it by hand."""

    def __init__(self, lesson, illness=""):
        self.X, self.Y, self.illness = np.array(lesson.inputs[:]), np.array(lesson.targets), illness
        self.W = [np.array(layer.weights) for layer in lesson.network.layers]
        self.b = [np.array(layer.biases) for layer in lesson.network.layers]
        self.rate, self.summed = lesson.training.learning_rate, lesson.training.batch_loss == "sum"

    def forward(self):
        a, zs = self.X, []
        self.a = [a]
        for W, b, f in zip(self.W, self.b, (lambda z: np.maximum(z, 0), sigma, sigma), strict=True):
            zs.append(a @ W.T + b)
            a = f(zs[-1])
            self.a.append(a)
        z = zs[-1]
        rows = np.logaddexp(0, z) - self.Y * z
        self.z = zs
        return float(rows.sum() if self.summed else rows.mean())

    def gradients(self):
        loss, n, W = self.forward(), len(self.X), self.W
        share = 1 if self.summed or self.illness == "no-division" else 1 / n
        d3 = self.a[3] - self.Y
        dW3 = share * d3.T @ self.a[2]
        early = self.illness == "updated-early"
        W3 = W[2] - self.rate * dW3 if early else W[2]
        s = sigma(self.a[2]) if self.illness == "slope-at-a" else self.a[2]
        d2 = (d3 @ W3) * s * (1 - s)
        dW2 = share * d2.T @ self.a[1]
        W2 = W[1] - self.rate * dW2 if early else W[1].T if self.illness == "no-transpose" else W[1]
        d1 = (d2 @ W2) * (self.z[0] > 0)
        dW1 = share * d1.T @ self.X
        return loss, [dW1, dW2, dW3], [share * d.sum(axis=0) for d in (d1, d2, d3)]

    def train(self, updates):
        losses, sign = [], 1 if self.illness == "no-minus" else -1
        for _ in range(updates):
            loss, dW, db = self.gradients()
            losses.append(loss)
            self.W = [W + sign * self.rate * g for W, g in zip(self.W, dW, strict=True)]
            self.b = [b + sign * self.rate * g for b, g in zip(self.b, db, strict=True)]
        return np.array(losses)

    def differences(self, layer):
        found = np.zeros_like(self.W[layer])
        for at in np.ndindex(found.shape):
            for side in (1e-6, -1e-6):
                self.W[layer][at] += side
                found[at] += self.forward() / (2 * side)
                self.W[layer][at] -= side
        return found


@pytest.mark.parametrize("illness", ILLNESSES)
def test_a_patient_suffers_from_what_is_said(illness, clinic):
    sick = patient(clinic, illness)
    found, lesson = sick.found, sick.patient.lesson
    plain = Plain(lesson, illness)
    _, gradients, _ = plain.gradients()
    off = []
    for at, (gradient, check) in enumerate(zip(gradients, found.checks, strict=True)):
        numeric = plain.differences(at)
        np.testing.assert_allclose(found.gradient(at + 1), gradient, rtol=1e-9, atol=1e-12)
        error = np.linalg.norm(gradient - numeric) / max(np.linalg.norm(gradient), np.linalg.norm(numeric), 1e-9)
        assert check.error == pytest.approx(error, abs=2e-4)
        off += [at + 1] if error > 1e-3 else []
    assert found.off == tuple(off)
    # a rate that is too large makes chaos of the last bits: then the first updates alone can be the same
    few = 8 if illness in ("rate", "sum", "no-division") else 60
    np.testing.assert_allclose(found.losses[:few], Plain(lesson, illness).train(few), rtol=1e-6)


def test_the_symptoms_are_what_the_words_say(clinic):
    found = {illness: patient(clinic, illness).found for illness in ILLNESSES}
    n = 24
    assert np.all(np.diff(found["no-minus"].losses) > 0)
    assert found["updated-early"].off == found["slope-at-a"].off == (1, 2) and found["no-transpose"].off == (1,)
    for at in (0, 1):
        now, tenth = found["updated-early"].checks[at].error, found["updated-early"].checks_at_a_tenth[at].error
        assert tenth == pytest.approx(now / 10, rel=0.5)
        same = found["slope-at-a"]
        assert same.checks[at].error == pytest.approx(same.checks_at_a_tenth[at].error, rel=1e-6)
    assert [check.ratio for check in found["no-division"].checks] == pytest.approx([n] * 3, rel=1e-3)
    dead = found["dead"].patient
    x, layer = dead.lesson.inputs[:], dead.lesson.network.layers[0]
    assert np.all(x @ np.array(layer.weights).T + layer.biases < 0)
    p = dead.lesson.targets.mean()
    assert found["dead"].losses[-1] == pytest.approx(-(p * np.log(p) + (1 - p) * np.log(1 - p)), rel=0.05)
    assert found["sum"].losses[0] == pytest.approx(n * found["sum"].rows_loss)
    labels = found["labels"].patient.lesson
    healthy = patient(clinic, "labels").healthy.lesson
    assert sorted(labels.targets.ravel()) == sorted(healthy.targets.ravel())
    assert not np.array_equal(labels.targets, healthy.targets) and found["labels"].unseen < 0.65
    sizes = found["inputs"].input_sizes
    assert max(sizes) > 20 * min(sizes)
    for illness in ("rate", "sum", "no-division"):
        assert found[illness].rises > 0.2


def test_the_signs_are_those_of_one_illness_and_what_is_right_mends_it(clinic):
    assert sorted(clinic.order) == sorted(ILLNESSES)
    for at, illness in enumerate(clinic.order):
        sick = clinic[at]
        assert [id for id in ILLNESSES if sick.missing(id) is None] == [illness]
        assert all(sick.said(id).startswith("Yes" if id == illness else "No.") for id in ILLNESSES)
        words = [treatment.words for treatment in sick.treatments]
        (right,) = [treatment for treatment in sick.treatments if treatment.right]
        assert len(set(words)) == len(words) >= 2 and sick.stands not in words
        after = right.patient.found
        assert after.accuracy >= 0.95 and after.unseen >= 0.85 and after.off == () and after.rises < 0.05
        for treatment in sick.treatments:
            mended = sick.outcome(treatment)
            assert ("That mends it." in mended) == treatment.right and "\x1b" not in mended


def test_a_seed_is_the_same_patient_again():
    first, again = case("rate", 5), case("rate", 5)
    assert np.array_equal(first.found.losses, again.found.losses) and first.found.losses.size
    assert not np.array_equal(first.found.losses, case("rate", 6).found.losses)


def test_a_visit_counts_what_was_right_at_once(clinic):
    sick = patient(clinic, "no-minus")
    ill, right = list(ILLNESSES).index("no-minus"), [one.right for one in sick.treatments].index(True)
    visit = Visit(sick)
    assert not visit.named and visit.options[ill] == "The update has no minus"
    visit.choose(ill)
    assert visit.named and sick.stands in visit.asked and "+" in sick.stands and "−" in visit.options[right]
    visit.choose(right)
    assert visit.mended and visit.at_first and visit.shown.right
    visit = Visit(sick)
    visit.choose(ill)
    visit.choose(1 - right if right < 2 else 0)
    assert not visit.mended and "still wrong" in sick.outcome(visit.shown)
    visit = Visit(sick)
    visit.tell()
    visit.tell()
    assert visit.mended and not visit.at_first


def test_the_doctor_in_lines(clinic):
    said: list[str] = []
    at = clinic.order.index("dead")
    typed = iter(
        ["check", "sizes", "rows", "curve", "7", "99", "6", "nonsense", "help", "show", "1", "", "back", "quit"]
    )
    Ward(clinic, lambda prompt: next(typed), said.append).play(at)
    text = " ".join("\n".join(said).split())
    assert f"Patient {at + 1} of 10" in text and "100%" in text and "agrees" in text
    assert "No. Of that this would be a sign: the loss goes up and down." in text
    assert "Yes: the check agrees" in text and "begin with the first layer's biases at 0" in text
    assert "That mends it." in text and "This one is mended" in text and "1 of 10 mended, 0 of them" in text
    assert max(map(len, "\n".join(said).splitlines())) <= 80
    for one in range(len(clinic)):
        found = clinic[one].found
        assert all(len(line) <= 76 for look in VIEWS.values() for line in look(found)), one
        assert "before update 1" in curve_words(found)


def test_bad_numbers_are_told(capsys):
    for argv in (["--seed", "0"], ["--seed", "x"], ["--patient", "11"], ["--patient", "-1"]):
        assert main(["doctor", "--plain", *argv]) == 2
        assert "takes a" in capsys.readouterr().err or argv[1] == "-1"


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_the_doctor_on_the_screen(size, clinic):
    at = clinic.order.index("no-minus")
    async with opened(lambda app: app.push_screen(DoctorScreen(clinic, at)), size) as pilot:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "Patient" in pane(pilot, "bar") and "suffers from" in pane(pilot, "said")
        if size[0] < 120:  # beside the curve it stands already
            await press(pilot, "tab")
        assert "agrees" in pane(pilot, "found")
        await press(pilot, "down", "enter")
        assert "No. Of that this would be a sign" in pane(pilot, "said") and "✗ The weights" in screen(pilot)
        await press(pilot, "up", "enter")
        assert "What should it be?" in " ".join(pane(pilot, "said").split())
        right = [one.right for one in clinic[at].treatments].index(True)
        await press(pilot, *["down"] * right, "enter", "l")
        assert "That mends it" in pane(pilot, "said") and "✓ W³_new = W³ − η · dW³" in screen(pilot)
        assert "1 of 10 mended, 0 at the first try" in pane(pilot, "bar")
        await press(pilot, "f1")
        assert "name the illness" in " ".join(screen(pilot).split())
        await press(pilot, "escape", "n")
        await pilot.app.workers.wait_for_complete()
        await press(pilot, "b", "escape")
        assert isinstance(pilot.app.screen, HomeScreen)
        await press(pilot, "ctrl+d")
        assert isinstance(pilot.app.screen, DoctorScreen)
        await pilot.app.workers.wait_for_complete()
