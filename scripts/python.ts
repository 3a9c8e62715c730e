// Finds a Python with PyTorch for the training tests and gives it the few PyPI packages that they need, in `.venv`.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const VENV = resolve(import.meta.dirname, '..', '.venv')
const python = resolve(VENV, 'bin', 'python')
const quiet = (command: string, args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** Path of a Python that imports torch, torchvision, onnxruntime and pytest; or why there is none. */
export function findTrainingPython(): { python: string } | { missing: string } {
  const needs = 'import torch, torchvision, cv2, onnx, onnxruntime, sklearn, pytest, mypy'
  if (existsSync(python) && quiet(python, ['-c', needs])) return { python }
  const base = ['/usr/bin/python3', 'python3'].find((p) => quiet(p, ['-c', 'import torch, torchvision, cv2']))
  if (base === undefined)
    return {
      missing: 'no Python with PyTorch (Debian: apt-get install python3-torch python3-torchvision python3-opencv python3-venv)',
    }
  console.log('Setting up .venv for the training tests (PyPI: onnx, onnxruntime, pytest, mypy, ruff, scikit-learn).')
  const made =
    quiet(base, ['-m', 'venv', '--system-site-packages', VENV]) &&
    spawnSync(python, ['-m', 'pip', 'install', '-q', '-r', resolve(VENV, '..', 'training', 'requirements.txt')], {
      stdio: 'inherit',
    }).status === 0
  if (!made || !quiet(python, ['-c', needs]))
    return { missing: 'the PyPI packages of training/requirements.txt could not be installed' }
  return { python }
}
